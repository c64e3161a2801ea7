/**
 * What could not be made a fact, or is none that the hub takes: kept with the reason until it is told well, tried again
 * with success, or given up by retention.
 *
 * A record is found again by its name, `<kind of the fact>:<upstream id>` (for records of products their type instead of
 * the kind): a fact of that name that is taken in later takes it out.
 */
import type { Rejected } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import { type Fact, rejectedName } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import type { Ingest } from './ingest.ts';

/** A rejected record, and where it stopped: before it was a fact, or as one. */
export type Refused = Rejected & { readonly isFact: boolean };

/** Bytes of a record as JSON that are kept, and of all records of a batch; what is larger is kept by its name alone. */
const largestRaw = 64 * 1024;
const largestBatch = 8 * 1024 * 1024;
/** Rows of one statement. */
const rowsAtOnce = 500;

/** What PostgreSQL cannot store, replaced: a record is kept under an id that is nearly its own rather than not at all. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');

/** Keeps what was rejected, encrypted, once for each name: what was told last. */
export const keepRejected = async (ingest: Ingest, em: EntityManager, serviceId: string, rejected: readonly Refused[], isPushed: boolean): Promise<void> => {
  const kept = [...new Map(rejected.map((each) => [storable(each.upstreamId), each]))];
  const keepRaw = boundedRaw(ingest);
  const now = ingest.hub.now();
  const rows = kept.map(([id, { reason, raw, isFact, readAt = now }]) => ({ id, reason: storable(reason).slice(0, 500), isFact, at: readAt.toISOString(), ...keepRaw(raw) }));
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const some = rows.slice(from, from + rowsAtOnce);
    await query(
      em,
      `insert into hub.rejected_facts as k (service_id, upstream_id, reason, raw, is_fact, is_pushed, at, since)
       select $1, r.upstream_id, r.reason, r.raw, r.is_fact, $2, r.at, r.at from unnest($3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[]) as r (upstream_id, reason, raw, is_fact, at)
       on conflict (service_id, upstream_id) do update set reason = excluded.reason, raw = excluded.raw, is_fact = excluded.is_fact, is_pushed = excluded.is_pushed, at = excluded.at, attempts = k.attempts + 1 where k.at <= excluded.at`,
      [serviceId, isPushed, some.map(({ id }) => id), some.map(({ reason, note }) => reason + note), some.map(({ raw }) => raw), some.map(({ isFact }) => isFact), some.map(({ at }) => at)],
    );
  }
};

/** Takes out what was told well. */
export const releaseTold = async (em: EntityManager, serviceId: string, facts: readonly Fact[]): Promise<void> => {
  await query(em, 'delete from hub.rejected_facts where service_id = $1 and upstream_id = any($2::text[])', [serviceId, [...new Set(facts.map((fact) => storable(rejectedName(fact))))]]);
};

/** Encrypts records as long as they are within the bounds; `note` says where one is not. */
const boundedRaw = ({ hub }: Ingest) => {
  let left = largestBatch;
  return (raw: unknown): { readonly raw: string | null; readonly note: string } => {
    const json = JSON.stringify(raw ?? null);
    if (json === 'null') return { raw: null, note: '' };
    const bytes = Buffer.byteLength(json);
    if (bytes > largestRaw) return { raw: null, note: ` (${bytes} bytes are too many to keep: read everything anew)` };
    if (bytes > left) return { raw: null, note: ' (too much was rejected at once to keep it all: read everything anew)' };
    left -= bytes;
    return { raw: hub.secrets.encrypt(json), note: '' };
  };
};
