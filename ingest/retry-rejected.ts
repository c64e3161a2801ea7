/** Trying again what was rejected, after whatever was wrong was mended. */
import type { Connector, ConnectorContext, Rejected } from '#core/connector.ts';
import { EventgraphError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import type { RetryReport } from '#core/ingest-port.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { announce, writeBatch } from './apply.ts';
import { changeService } from './change.ts';
import type { Ingest } from './ingest.ts';

/** Records of one transaction, and the most that one wish tries, in so much time at the most; the rest stays for the next. */
const recordsAtOnce = 500;
const mostRecords = 10_000;
const longestRetryMs = 30_000;

type Row = { readonly upstream_id: string; readonly reason: string; readonly raw: string | null; readonly is_fact: boolean; readonly is_pushed: boolean; /** As text: exact. */ readonly at: string; readonly read_at: Date };

export const retryRejected = async (ingest: Ingest, serviceId: string, ids: readonly string[] | null, by: string | null, signal = AbortSignal.timeout(longestRetryMs)): Promise<RetryReport> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  if (!service || service.state === 'REMOVED') throw new EventgraphError('SERVICE_UNKNOWN', 'There is no such service any more.', { serviceId });
  const context = ingest.contextFor(service, signal);
  const connector = ingest.connectors.get(service.product) as Connector<unknown>;
  await changeService(ingest, serviceId, async (_em, { name }) => [{ type: 'service.retry_requested', eventId: null, occurredAt: ingest.hub.now(), payload: { name, by, records: ids?.length ?? null } }]);
  const report = { recovered: 0, rejected: 0, resync: false };
  let after: Row | null = null;
  for (let tried = 0; tried < mostRecords && !signal.aborted; tried += recordsAtOnce) {
    const rows: Row[] = await readRows(ingest, serviceId, ids, after);
    after = rows.at(-1) ?? null;
    if (after === null) break;
    const alone = rows.filter(({ raw, is_fact }) => raw !== null && (is_fact || connector.translateAgain));
    if (alone.length < rows.length) report.resync = true;
    report.rejected += rows.length - alone.length;
    // Apart, as what is rejected again stays what it was: of what was pulled, a whole reading decides.
    for (const some of [alone.filter((row) => !row.is_pushed), alone.filter((row) => row.is_pushed)]) {
      const { recovered, rejected } = await retryRows(ingest, connector, { context, revision: service.revision }, some).catch(noneWhenTimeIsUp(signal));
      report.recovered += recovered;
      report.rejected += rejected;
    }
  }
  if (report.resync) await ingest.syncNow(serviceId, { full: true });
  return report;
};

/** What there was no time for stays as it was, for the next wish. */
const noneWhenTimeIsUp = (signal: AbortSignal) => (error: unknown): { recovered: number; rejected: number } => {
  if (error === signal.reason) return { recovered: 0, rejected: 0 };
  throw error;
};

/** Events come first, as what is said of them is taken in behind them alone. */
const readRows = ({ hub }: Ingest, serviceId: string, ids: readonly string[] | null, after: Row | null): Promise<Row[]> =>
  query<Row>(
    hub.database.em(),
    `select upstream_id, reason, raw, is_fact, is_pushed, at::text as at, at as read_at from hub.rejected_facts
     where service_id = $1 and ($2::text is null or (upstream_id not like 'event:%', upstream_id) > ($2 not like 'event:%', $2)) and ($3::text[] is null or upstream_id = any($3))
     order by upstream_id not like 'event:%', upstream_id limit ${recordsAtOnce}`,
    [serviceId, after?.upstream_id ?? null, ids],
  );

/** What records are judged by, and the revision of the service that it is of. */
type Judge = { readonly context: ConnectorContext; readonly revision: number };

/** What succeeds leaves in the transaction that takes it in. */
const retryRows = async (ingest: Ingest, connector: Connector<unknown>, { context, revision }: Judge, rows: readonly Row[]): Promise<{ recovered: number; rejected: number }> => {
  if (rows.length === 0) return { recovered: 0, rejected: 0 };
  const { serviceId } = context.service;
  const rawOf = ({ raw }: Row): unknown => JSON.parse(ingest.hub.secrets.decrypt(raw ?? ''));
  const facts = rows.filter(({ is_fact }) => is_fact).map((row) => revive(rawOf(row)));
  const records = rows.filter(({ is_fact }) => !is_fact).map((row): Rejected => ({ upstreamId: row.upstream_id, reason: row.reason, raw: rawOf(row), readAt: new Date(row.read_at) }));
  const translated = (records.length > 0 && (await connector.translateAgain?.(context, records))) || { facts: [], rejected: [] };
  // However often it is tried in vain, it was told when it was told.
  const readAt = new Map(records.map((each) => [each.upstreamId, each.readAt]));
  const stillRejected = translated.rejected.map((each): Rejected => ({ ...each, readAt: each.readAt ?? readAt.get(each.upstreamId) }));
  const { database } = ingest.hub;
  const applied = await ingest.writes.execute(() => database.em().transactional(async (em) => {
    const stays = new Set(translated.rejected.map(({ upstreamId }) => upstreamId));
    const tried = rows.filter(({ upstream_id, is_fact }) => !is_fact && !stays.has(upstream_id));
    // One that was rejected anew meanwhile is another record under the same name, and stays.
    await query(em, 'delete from hub.rejected_facts r using unnest($2::text[], $3::timestamptz[]) as t (upstream_id, at) where r.service_id = $1 and r.upstream_id = t.upstream_id and r.at = t.at', [serviceId, tried.map((row) => row.upstream_id), tried.map(({ at }) => at)]);
    return writeBatch(ingest, em, { serviceId, revision, facts: [...facts, ...translated.facts], rejected: stillRejected, isPulled: !rows[0]?.is_pushed });
  }));
  await announce(ingest, applied.events, applied.fresh);
  const rejected = new Set(applied.rejected.map(({ upstreamId }) => upstreamId)).size;
  return { recovered: Math.max(0, rows.length - rejected), rejected };
};

const moments = new Set(['at', 'start', 'end']);

/** A fact as it was before it was JSON. One that never was one stays what it is, and is refused again. */
const revive = (raw: unknown): Fact =>
  Object.fromEntries(Object.entries(raw as object).map(([key, value]) => [key, moments.has(key) && typeof value === 'string' ? new Date(value) : (value as unknown)])) as Fact;
