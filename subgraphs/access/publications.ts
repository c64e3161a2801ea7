/** Operations that clients published: kept for each client by id. Every change is audited and told to the gateways. */
import type { EntityManager } from '#core/database.ts';
import { InputError } from '#core/errors.ts';
import { type Connection, type PageArguments, connectionOf, pageOf } from '#core/pagination.ts';
import type { PublishedOperations } from '#core/published-operations.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import { PublishedOperation } from './publications-entity.ts';
import type { Publication } from './publications-request.ts';
import { audit } from './audit.ts';

export const limits = { operations: 1_000, characters: 2_000_000 } as const;

export type Published = { readonly added: readonly PublishedOperation[]; readonly unchanged: number };

type Actor = { readonly client: string; readonly by: string | null };

/**
 * Adds the operations to those of the client, all or none. An id stands for one text for ever, as far as anybody who
 * kept an answer knows: `OPERATION_ID_TAKEN` for another text. Throws InputError.
 */
export const publish = async (em: EntityManager, hub: Hub, { client, by }: Actor, publications: readonly Publication[]): Promise<Published> => {
  const published = await em.transactional(async (tx) => {
    await lockClient(tx, client);
    const kept = new Map((await tx.find(PublishedOperation, { client })).map((each) => [each.id, each]));
    const fresh = publications.filter(({ id, body, field }) => {
      const known = kept.get(id);
      if (known && known.body !== body) throw new InputError('OPERATION_ID_TAKEN', `${field}.id`, `${JSON.stringify(id)} is published already, with another body: use another id, or withdraw that one.`);
      return !known;
    });
    checkLimits([...kept.values(), ...fresh]);
    const added = fresh.map(({ id, name, type, body }) => tx.create(PublishedOperation, { client, id, name, type, body, publishedAt: hub.now(), publishedBy: by }));
    if (added.length > 0) audit(tx, { at: hub.now(), actor: by, action: 'operations.published', subject: client, details: { operations: added.map(({ id, name }) => ({ id, name })) } });
    return { added, unchanged: publications.length - added.length };
  });
  if (published.added.length > 0) hub.bus.publish('operations.changed', { client });
  return published;
};

/** Answers the ids that were there. */
export const withdraw = async (em: EntityManager, hub: Hub, { client, by }: Actor, ids: readonly string[]): Promise<readonly string[]> => {
  const withdrawn = await em.transactional(async (tx) => {
    await lockClient(tx, client);
    const kept = await tx.find(PublishedOperation, { client, id: { $in: [...ids] } }, { orderBy: { id: 'asc' } });
    for (const each of kept) tx.remove(each);
    if (kept.length > 0) audit(tx, { at: hub.now(), actor: by, action: 'operations.withdrawn', subject: client, details: { operations: kept.map(({ id, name }) => ({ id, name })) } });
    return kept.map(({ id }) => id);
  });
  if (withdrawn.length > 0) hub.bus.publish('operations.changed', { client });
  return withdrawn;
};

/** One change of a client's list at a time, so that limits hold. */
const lockClient = (tx: EntityManager, client: string): Promise<unknown> => query(tx, "select pg_advisory_xact_lock(hashtextextended('access.published_operations ' || $1, 0))", [client]);

const checkLimits = (operations: readonly { readonly body: string }[]): void => {
  if (operations.length > limits.operations) throw new InputError('PUBLISHED_OPERATIONS_EXCEEDED', 'input', `The client would have ${operations.length} operations; the maximum is ${limits.operations}. Withdraw some.`, { value: operations.length, maximum: limits.operations });
  const characters = operations.reduce((sum, { body }) => sum + body.length, 0);
  if (characters > limits.characters) throw new InputError('PUBLISHED_CHARACTERS_EXCEEDED', 'input', `The client's operations would have ${characters} characters together; the maximum is ${limits.characters}. Withdraw some.`, { value: characters, maximum: limits.characters });
};

/** By name, and by id where there are several of one name. */
export const listPublished = async (em: EntityManager, client: string, args: PageArguments): Promise<Connection<PublishedOperation>> => {
  const page = pageOf(args, 2);
  const [name, id] = page.after?.map(String) ?? [];
  const behind = name !== undefined && id !== undefined ? { $or: [{ name: { $gt: name } }, { name, id: { $gt: id } }] } : {};
  const rows = await em.find(PublishedOperation, { client, ...behind }, { orderBy: { name: 'asc', id: 'asc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [row.name, row.id], () => em.count(PublishedOperation, { client }));
};

/** For gateways, which keep what they read until the bus tells of a change. */
export const createPublishedOperations = ({ database }: Pick<Hub, 'database'>): PublishedOperations => {
  const columns = 'select client, id, name, type, body from access.published_operations';
  return {
    of: (client) => query(database.em(), `${columns} where client = $1`, [client]),
    all: () => query(database.em(), `${columns} order by client, name, id`),
  };
};
