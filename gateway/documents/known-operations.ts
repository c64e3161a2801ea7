/**
 * The operations that a client may run by id: the hub's own and those published for it. A client's list is read as a
 * whole, so that ids that do not exist cost nothing; it is trusted for some seconds, and read again at once when
 * the bus tells of a change.
 */
import { LRUCache } from 'lru-cache';
import type { Bus } from '#core/bus.ts';
import { sha256Hex } from '#core/digest.ts';
import type { PublishedOperations } from '#core/published-operations.ts';
import type { ManifestOperation } from './manifest.ts';

export type KnownOperations = Disposable & {
  /** The body of the operation with this id; nothing where there is none, or it is another client's. */
  find(id: string, client: string | null): Promise<string | undefined>;
  /** Whether this is, to the letter, the body of an operation that the client may run. */
  isBody(text: string, client: string | null): Promise<boolean>;
};

export type KnownOperationsOptions = {
  /** The hub's own. */
  readonly own: readonly ManifestOperation[];
  readonly published: PublishedOperations;
  readonly bus: Bus;
};

type Listed = { readonly byId: ReadonlyMap<string, string>; readonly hashes: ReadonlySet<string>; readonly size: number };

/** For how long a list may be trusted when no word of a change reaches this gateway. */
const trustMs = 5_000;
const maxCharacters = 64_000_000;

export const createKnownOperations = ({ own, published, bus }: KnownOperationsOptions): KnownOperations => {
  const ownList = listed(own);
  const lists = new LRUCache<string, Listed>({ max: 1_000, maxSize: maxCharacters, sizeCalculation: ({ size }) => size, ttl: trustMs });
  const loading = new Map<string, Promise<Listed>>();

  const read = (client: string): Promise<Listed> => {
    const reading: Promise<Listed> = published
      .of(client)
      .then((operations) => {
        const list = listed(operations);
        // What was read before a change was told is for those who asked before it.
        if (loading.get(client) === reading) lists.set(client, list);
        return list;
      })
      .finally(() => loading.get(client) === reading && loading.delete(client));
    loading.set(client, reading);
    return reading;
  };
  const listOf = (client: string): Listed | Promise<Listed> => lists.get(client) ?? loading.get(client) ?? read(client);
  const stop = bus.subscribe('operations.changed', ({ client }) => {
    lists.delete(client);
    loading.delete(client);
  });

  return {
    find: async (id, client) => ownList.byId.get(id) ?? (client === null ? undefined : (await listOf(client)).byId.get(id)),
    async isBody(text, client) {
      const hash = sha256Hex(text);
      return ownList.hashes.has(hash) || (client !== null && (await listOf(client)).hashes.has(hash));
    },
    [Symbol.dispose]: stop,
  };
};

const listed = (operations: readonly Pick<ManifestOperation, 'id' | 'body'>[]): Listed => ({
  byId: new Map(operations.map(({ id, body }) => [id, body])),
  hashes: new Set(operations.map(({ body }) => sha256Hex(body))),
  size: operations.reduce((sum, { body }) => sum + body.length, 1),
});
