/**
 * How long answers take and what they cost, by client and operation. Clients are named by whoever gave them their keys; an operation by its
 * author, so there is room for so many and no more.
 */
import { type Viewer, termsOf } from '#core/viewer.ts';
import { Durations } from './durations.ts';

const maxClients = 200;
const maxOperations = 100;
const other = 'OTHER';
const unnamed = 'UNNAMED';

/** `cost` in the units of budgets: of all answers together. */
type Counts = { readonly durations: Durations; cost: number };
export type ClientOperation = Readonly<Counts> & { readonly client: string; readonly operation: string };

export class ClientCounts {
  readonly #byClient = new Map<string, Map<string, Counts>>();

  add(client: string, operation: string | undefined, ms: number, cost = 0): void {
    const operations = found(this.#byClient, client, maxClients, () => new Map<string, Counts>());
    const counts = found(operations, operation ?? unnamed, maxOperations, () => ({ durations: new Durations(), cost: 0 }));
    counts.durations.add(ms);
    counts.cost += cost;
  }

  *all(): Iterable<ClientOperation> {
    for (const [client, operations] of this.#byClient) for (const [operation, counts] of operations) yield { client, operation, ...counts };
  }
}

/** The name under which a viewer is counted: its client's, or what kind of viewer it is. */
export const clientOf = (viewer: Viewer): string => termsOf(viewer).client ?? viewer.kind;

/** What comes when there is no room for more is counted together. */
const found = <Value>(map: Map<string, Value>, name: string, most: number, make: () => Value): Value => {
  const key = map.has(name) || map.size < most ? name : other;
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
};
