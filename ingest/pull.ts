/** One pull: everything new of one service, batch by batch, each with its cursor in its own transaction. */
import type { Batch, Connector } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import { UpstreamError } from '#core/errors.ts';
import { recordSync } from '#core/platform-records.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { type IncomingBatch, applyBatch } from './apply.ts';
import { describe, recordContact } from './health.ts';
import type { Ingest } from './ingest.ts';
import { readAhead } from './read-ahead.ts';
import { beginResync, endResync } from './resync.ts';

/** A pull that takes longer goes on from its cursor with the next. */
const longestPullMs = 10 * 60_000;

export const pullService = async (ingest: Ingest, serviceId: string, signal: AbortSignal, limitMs = longestPullMs): Promise<void> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  if (!service || service.state === 'REMOVED') return ingest.forget(serviceId);
  if (service.state !== 'ACTIVE') return;
  const begun = performance.now();
  const limit = AbortSignal.timeout(limitMs);
  const totals = { facts: 0 };
  await note(ingest, serviceId, { syncStartedAt: ingest.hub.now(), syncFinishedAt: null, syncFacts: 0, syncRejected: 0, syncError: null });
  const error = await pullAll(ingest, service, totals, AbortSignal.any([signal, limit])).then(
    () => null,
    (reason: unknown) => (limit.aborted && totals.facts === 0 ? endless(limitMs) : reason),
  );
  // A pull that the hub itself stopped says nothing about the service.
  if (signal.aborted) return;
  // Neither does one during which the service was changed: whoever changed it asked for another, or for none.
  if (error !== null && !(await isAsItWas(ingest, service))) return note(ingest, serviceId, { syncFinishedAt: ingest.hub.now() });
  // Nor one that has much to read: each call of it has a limit of its own.
  if (error !== null && limit.aborted && totals.facts > 0) return goOnAtOnce(ingest, serviceId);
  // Nor one that the hub's own budget stopped.
  if (error instanceof UpstreamError && error.reason === 'budget_spent') return goOnLater(ingest, serviceId, error);
  if (error !== null) await fail(ingest, service, error);
  await note(ingest, serviceId, { syncFinishedAt: ingest.hub.now(), syncError: error === null ? null : { ...describe(error), at: ingest.hub.now().toISOString(), source: 'pull' } });
  await recordContact(ingest, serviceId, { source: 'pull', error });
  await recordSync(ingest.hub.database.em(), { at: ingest.hub.now(), serviceId, ms: performance.now() - begun, isFailed: error !== null });
};

type Totals = { facts: number };

const pullAll = async (ingest: Ingest, service: Service, totals: Totals, signal: AbortSignal): Promise<void> => {
  const context = ingest.contextFor(service, signal); // throws where there is no such connector
  const connector = ingest.connectors.get(service.product) as Connector<unknown>;
  const cursor = (await beginResync(ingest, service.id)) ? null : (service.cursor ?? null);
  let isComplete = true;
  // The service is asked for the next page while the last one is written.
  for await (const batch of untilAborted(readAhead((reading) => connector.pull({ ...context, signal: reading }, cursor), signal), signal)) {
    for (const part of partsOf(batch)) {
      const applied = await applyBatch(ingest, { serviceId: service.id, revision: service.revision, ...part, isPulled: true });
      totals.facts += applied.facts;
    }
    isComplete = batch.complete !== false;
    signal.throwIfAborted();
  }
  if (isComplete) await endResync(ingest, service.id);
};

type SyncNote = Partial<Pick<Service, 'syncStartedAt' | 'syncFinishedAt' | 'syncFacts' | 'syncRejected' | 'syncError'>>;

/** How the pull fares; what it brought is counted with each batch. */
const note = async (ingest: Ingest, serviceId: string, told: SyncNote): Promise<void> => {
  await ingest.hub.database.em().nativeUpdate(Service, { id: serviceId }, told);
};

const isAsItWas = async (ingest: Ingest, { id, revision }: Service): Promise<boolean> => {
  const [row] = await query<{ revision: number }>(ingest.hub.database.em(), `select revision from hub.services where id = $1 and state = 'ACTIVE'`, [id]);
  return row?.revision === revision;
};

const goOnAtOnce = async (ingest: Ingest, serviceId: string): Promise<void> => {
  ingest.hub.logger.info({ serviceId }, 'pull is not through yet and goes on from its cursor');
  await query(ingest.hub.database.em(), 'update hub.services set next_sync_at = now(), sync_finished_at = $2 where id = $1', [serviceId, ingest.hub.now().toISOString()]);
};

const goOnLater = async ({ hub }: Ingest, serviceId: string, { retryAfterMs = 0 }: UpstreamError): Promise<void> => {
  hub.logger.info({ serviceId, retryAfterMs }, 'pull goes on from its cursor when there are calls in the budget again');
  await query(hub.database.em(), 'update hub.services set sync_finished_at = $2 where id = $1', [serviceId, hub.now().toISOString()]);
  await scheduleIn(hub.database.em(), serviceId, retryAfterMs);
  await query(hub.database.em(), 'update hub.services set sync_finished_at = $2 where id = $1', [serviceId, hub.now().toISOString()]);
};

const scheduleIn = (em: EntityManager, serviceId: string, ms: number) => query(em, `update hub.services set next_sync_at = now() + make_interval(secs => $2) where id = $1`, [serviceId, ms / 1000]);

/** Whoever reads for so long and hears nothing new is led in a circle. */
const endless = (limitMs: number): UpstreamError => new UpstreamError('shape', `The upstream was read for ${limitMs} ms without an end and told nothing new.`, { limitMs });

/** Facts of one transaction; connectors are asked for batches of some thousands. */
const mostTogether = 5_000;

/** A batch that is too large, in parts; only with the last of them the cursor moves. */
function* partsOf({ facts, rejected, cursor }: Batch): Generator<Omit<IncomingBatch, 'serviceId'>> {
  let from = 0;
  for (; from + mostTogether < facts.length; from += mostTogether) yield { facts: facts.slice(from, from + mostTogether), rejected: [] };
  for (let each = 0; each + mostTogether < rejected.length; each += mostTogether) yield { facts: [], rejected: rejected.slice(each, each + mostTogether) };
  yield { facts: facts.slice(from), rejected: rejected.slice(Math.max(0, Math.ceil(rejected.length / mostTogether) - 1) * mostTogether), cursor };
}

/** A connector that listens to the signal ends by itself; one that does not is left after this. */
const graceMs = 1_000;

/** Ends when told to, also where the connector does not listen. */
async function* untilAborted(batches: AsyncIterable<Batch>, signal: AbortSignal): AsyncGenerator<Batch> {
  const iterator = batches[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  const left = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => void (timer = setTimeout(() => reject(signal.reason as Error), graceMs)), { once: true });
  });
  left.catch(() => undefined);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), left]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    // Not waited for: it may be what hangs.
    void iterator.return?.()?.catch(() => undefined);
  }
}

const fail = async (ingest: Ingest, service: Service, error: unknown): Promise<void> => {
  const known = error instanceof UpstreamError;
  ingest.hub.logger[known ? 'warn' : 'error']({ serviceId: service.id, ...(known ? { code: error.code, facts: error.facts } : { err: error }) }, 'pull failed');
  // The upstream said when to come again: neither earlier nor a whole interval later.
  const wait = known ? error.retryAfterMs : undefined;
  if (wait !== undefined) await scheduleIn(ingest.hub.database.em(), service.id, wait);
};
