/**
 * The shop of the well-known four-subgraph federation benchmark: users who reviewed products that are in stock or not.
 * Plain objects whose methods are fields with arguments: the subgraphs and the reference answer read the same ones.
 *
 * `zone` is there to be a variable of every field that somebody computes: it changes the answer of every subgraph, but
 * never its length, for zones of four digits from 1000 to 9699.
 */
type Zoned = { readonly zone?: number | null };
const zoned = (text: string, { zone }: Zoned): string => (zone === undefined || zone === null ? text : `${text} ${zone}`);

export type User = { readonly id: string; readonly username: string; name(args: Zoned): string; reviews(): readonly Review[] };
export type Product = {
  readonly upc: string;
  readonly price: number;
  readonly weight: number;
  readonly inStock: boolean;
  name(args: Zoned): string;
  shippingEstimate(args: Zoned): number;
  reviews(): readonly Review[];
};
export type Review = { readonly id: string; body(args: Zoned): string; readonly product: () => Product; readonly author: () => User };

const ipsum =
  'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur.';

/** Ounces weigh on the way: light and cheap things cost half their weight, and each zone ten more. */
export const shippingEstimate = (price: number, weight: number, { zone }: Zoned): number => (price > 1000 ? 0 : Math.floor(weight / 2)) + 10 * (zone ?? 0);

const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

export const users: readonly User[] = ['ada', 'barbara', 'edsger', 'grace', 'ken', 'radia'].map((username, index) => ({
  id: String(index + 1),
  username,
  name: (args) => zoned(`${username[0]?.toUpperCase()}${username.slice(1)} of the reviewers`, args),
  reviews: () => reviews.slice(0, 2),
}));

export const products: readonly Product[] = (
  [['Table', 899, 100, true], ['Couch', 1299, 1000, false], ['Glass', 15, 20, false], ['Chair', 499, 100, false], ['TV', 1299, 1000, true], ['Lamp', 6999, 300, true], ['Grill', 3999, 2000, true], ['Fridge', 100000, 6000, false], ['Sofa', 9999, 800, true]] as const
).map(([name, price, weight, inStock], index) => {
  const upc = String(index + 1);
  return { upc, price, weight, inStock, name: (args) => zoned(name, args), shippingEstimate: (args) => shippingEstimate(price, weight, args), reviews: () => reviews.filter((review) => review.product().upc === upc) };
});

/** Eleven reviews: four of the first two products each, one of the third, two of the fourth. All are by the first user. */
export const reviews: readonly Review[] = [0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 3].map((product, index) => {
  const text = ipsum.slice((index * 13) % 90, 140 + ((index * 67) % 200));
  return { id: String(index + 1), body: (args) => zoned(text, args), product: () => at(products, product), author: () => at(users, 0) };
});
