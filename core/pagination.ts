/** Relay cursor connections (https://relay.dev/graphql/connections.htm) over keyset pages: forward, bounded, stable. */
import { InputError } from './errors.ts';

export type PageArguments = { readonly first?: number | null; readonly after?: string | null };
/** The values of the sort key of the row that a page starts behind, the last being unique. */
export type Key = readonly (string | number)[];
export type Page = { readonly size: number; readonly after: Key | null };

const defaultSize = 20;
const maximumSize = 100;

/** Throws an InputError for sizes outside 1 to 100 and for cursors that no page of this kind gave. */
export const pageOf = (args: PageArguments, keyLength: number): Page => {
  const size = args.first ?? defaultSize;
  if (size < 1 || size > maximumSize) throw new InputError('PAGE_SIZE_INVALID', 'first', `A page has 1 to ${maximumSize} entries.`, { value: size, maximum: maximumSize });
  return { size, after: args.after ? decodeKey(args.after, keyLength) : null };
};

export const encodeKey = (key: Key): string => Buffer.from(JSON.stringify(key)).toString('base64url');

const decodeKey = (cursor: string, keyLength: number): Key => {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(key) && key.length === keyLength && key.every(isKeyPart)) return key;
  } catch {
    // falls through to the refusal
  }
  throw new InputError('CURSOR_INVALID', 'after', 'This is not a cursor of this list. Leave `after` out to start at its beginning.');
};

/** PostgreSQL stores no text with a zero byte, so no key of a row has one. */
const isKeyPart = (value: unknown): value is string | number => typeof value === 'number' || (typeof value === 'string' && !value.includes('\u0000'));

/** A part of a key that is a moment. Throws an InputError for what is none. */
export const momentOf = (part: string | number | undefined): Date => {
  const moment = new Date(typeof part === 'string' && isoMoment.test(part) ? part : Number.NaN);
  if (Number.isNaN(moment.getTime())) throw new InputError('CURSOR_INVALID', 'after', 'This is not a cursor of this list in this order.');
  return moment;
};

/** As `Date.toISOString` writes it. */
const isoMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export type Connection<Node> = {
  readonly edges: readonly { readonly node: Node; readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean; readonly startCursor: string | null; readonly endCursor: string | null };
  /** Counted only when it is asked for. */
  readonly totalCount: () => Promise<number>;
};

/** `rows` are one more than the page's size where there is a next page. */
export const connectionOf = <Node>(rows: readonly Node[], page: Page, keyOf: (node: Node) => Key, totalCount: () => Promise<number>): Connection<Node> => {
  const edges = rows.slice(0, page.size).map((node) => ({ node, cursor: encodeKey(keyOf(node)) }));
  return {
    edges,
    pageInfo: { hasNextPage: rows.length > page.size, hasPreviousPage: page.after !== null, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null },
    totalCount,
  };
};
