/**
 * How long answers take, by client and operation. Clients are named by whoever gave them their keys; an operation by its
 * author, so there is room for so many and no more.
 */
import { type Viewer, termsOf } from '#core/viewer.ts';
import { Durations } from './durations.ts';

const maxClients = 200;
const maxOperations = 100;
const other = 'OTHER';
const unnamed = 'UNNAMED';

export type ClientOperation = { readonly client: string; readonly operation: string; readonly durations: Durations };

export class ClientCounts {
  readonly #byClient = new Map<string, Map<string, Durations>>();

  add(client: string, operation: string | undefined, ms: number): void {
    const operations = found(this.#byClient, client, maxClients, () => new Map<string, Durations>());
    found(operations, operation ?? unnamed, maxOperations, () => new Durations()).add(ms);
  }

  *all(): Iterable<ClientOperation> {
    for (const [client, operations] of this.#byClient) for (const [operation, durations] of operations) yield { client, operation, durations };
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
