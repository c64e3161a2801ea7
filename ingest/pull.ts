/** One pull: everything new of one service, batch by batch, each with its cursor in its own transaction. */
import type { Connector } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { recordSync } from '#core/platform-records.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { applyBatch } from './apply.ts';
import { recordContact } from './health.ts';
import type { Ingest } from './ingest.ts';
import { readAhead } from './read-ahead.ts';

/** A pull that takes longer goes on from its cursor with the next. */
const longestPullMs = 10 * 60_000;

export const pullService = async (ingest: Ingest, serviceId: string, signal: AbortSignal, limitMs = longestPullMs): Promise<void> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  if (!service || service.state !== 'ACTIVE') return;
  const started = ingest.hub.now();
  const begun = performance.now();
  const limit = AbortSignal.timeout(limitMs);
  const error = await pullAll(ingest, service, AbortSignal.any([signal, limit])).then(
    (totals) => finish(ingest, serviceId, started, totals),
    (reason: unknown) => reason,
  );
  // A pull that the hub itself stopped says nothing about the service.
  if (signal.aborted) return;
  // Neither does one that has much to read: each call of it has a limit of its own.
  if (error !== null && limit.aborted) return goOnAtOnce(ingest, serviceId);
  if (error !== null) await fail(ingest, service, error);
  await recordContact(ingest, serviceId, { source: 'pull', error });
  await recordSync(ingest.hub.database.em(), { at: ingest.hub.now(), serviceId, ms: performance.now() - begun, isFailed: error !== null });
};

type Totals = { facts: number; rejected: number };

const pullAll = async (ingest: Ingest, service: Service, signal: AbortSignal): Promise<Totals> => {
  const context = ingest.contextFor(service, signal); // throws where there is no such connector
  const connector = ingest.connectors.get(service.product) as Connector<unknown>;
  const totals = { facts: 0, rejected: 0 };
  // The service is asked for the next page while the last one is written.
  for await (const batch of readAhead((reading) => connector.pull({ ...context, signal: reading }, service.cursor ?? null), signal)) {
    const applied = await applyBatch(ingest, { serviceId: service.id, facts: batch.facts, rejected: batch.rejected, cursor: batch.cursor });
    totals.facts += applied.facts;
    totals.rejected += applied.rejected.length;
    signal.throwIfAborted();
  }
  return totals;
};

const finish = async (ingest: Ingest, serviceId: string, started: Date, totals: Totals): Promise<null> => {
  await query(ingest.hub.database.em(), 'update hub.services set sync_started_at = $2, sync_finished_at = $3, sync_facts = $4, sync_rejected = $5 where id = $1', [serviceId, started.toISOString(), ingest.hub.now().toISOString(), totals.facts, totals.rejected]);
  return null;
};

const goOnAtOnce = async (ingest: Ingest, serviceId: string): Promise<void> => {
  ingest.hub.logger.info({ serviceId }, 'pull is not through yet and goes on from its cursor');
  await query(ingest.hub.database.em(), 'update hub.services set next_sync_at = now() where id = $1', [serviceId]);
};

const fail = async (ingest: Ingest, service: Service, error: unknown): Promise<void> => {
  const known = error instanceof UpstreamError;
  ingest.hub.logger[known ? 'warn' : 'error']({ serviceId: service.id, ...(known ? { code: error.code, facts: error.facts } : { err: error }) }, 'pull failed');
  // The upstream said when to come again: neither earlier nor a whole interval later.
  const wait = known ? error.retryAfterMs : undefined;
  if (wait !== undefined) await query(ingest.hub.database.em(), `update hub.services set next_sync_at = now() + make_interval(secs => $2) where id = $1`, [service.id, wait / 1000]);
};
