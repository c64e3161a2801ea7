/** What clients ask. A workload is a list of request bodies that the load generator sends in turn. */
import { referenceAnswer } from './schemas.ts';

export type Workload = {
  readonly name: WorkloadName;
  readonly bodies: readonly string[];
  /** The header of every request; absent for none. */
  readonly authorization?: string;
  /** Stands in every fetch that a variable of the first body reaches; null without variables. */
  readonly mark: string | null;
  /** The answer to one body, parsed: computed without any gateway. */
  reference(index: number): Promise<unknown>;
};
export type WorkloadName = 'big' | 'small' | 'variables';
export const workloadNames: readonly WorkloadName[] = ['big', 'small', 'variables'];

/** The benchmark's deeply nested query. With `zoned`, each of its fetches has a variable in it. */
const nested = (zone: string, variables: string): string => `
  fragment User on User { id username name${zone} }
  fragment Review on Review { id body${zone} }
  fragment Product on Product { inStock${zone} name${zone} price shippingEstimate${zone} upc weight }
  query Nested${variables} {
    users { ...User reviews { ...Review product { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } } } }
    topProducts { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } }
  }`;

/** Zones of four digits, so that all answers are equally long, and no number that stands in the data: a recorded fetch tells whether it depends on its zone. */
const firstZone = 4000;
const requests: Readonly<Record<WorkloadName, readonly { readonly query: string; readonly variables?: Readonly<Record<string, unknown>> }[]>> = {
  big: [{ query: nested('', '') }],
  small: [{ query: '{ me { name } }' }],
  variables: Array.from({ length: 1000 }, (_, index) => ({ query: nested('(zone: $zone)', '($zone: Int!)'), variables: { zone: firstZone + index } })),
};

export const workload = (name: WorkloadName): Workload => ({
  name,
  bodies: requests[name].map((request) => JSON.stringify(request)),
  mark: name === 'variables' ? String(firstZone) : null,
  async reference(index) {
    const request = requests[name][index % requests[name].length];
    if (!request) throw new Error(`The workload ${name} is empty.`);
    return referenceAnswer(request.query, request.variables ?? {});
  },
});
