/** Writes and reads of activities. */
import type { EntityManager } from '#core/database.ts';
import { InputError } from '#core/errors.ts';
import { enqueue } from '#core/jobs.ts';
import { type Connection, type Key, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import type { Viewer } from '#core/viewer.ts';
import { type Mistake, type TakenActivity, collectorOf } from './domain.ts';
import type { Purchase } from './purchase.ts';

export type ActivityRow = {
  readonly id: string;
  readonly externalId: string;
  readonly name: string;
  readonly eventId: string | null;
  readonly at: Date;
  /** Where it stood among those that were committed together. */
  readonly place: number;
  /** Encrypted JSON. */
  readonly parameters: string;
  readonly purchase: Purchase | null;
  readonly purchaseProblem: Mistake | null;
};

/** Answers those that were not known yet; of two with the same id the first is kept. */
export const storeActivities = async (em: EntityManager, activities: readonly TakenActivity[]): Promise<readonly TakenActivity[]> => {
  const byId = new Map<string, TakenActivity & { readonly place: number }>();
  for (const [place, activity] of activities.entries()) if (!byId.has(activity.id)) byId.set(activity.id, { ...activity, place });
  const rows = [...byId.values()];
  const stored = await query<{ id: string }>(
    em,
    `insert into activity.activities (id, collector, external_id, name, participant, event_id, at, place, parameters, purchase, purchase_problem)
     select id, collector, "externalId", name, participant, "eventId", at, place, parameters, purchase, "purchaseProblem"
     from jsonb_to_recordset($1::jsonb) as new (id text, collector text, "externalId" text, name text, participant text, "eventId" text, at timestamptz, place integer, parameters text, purchase jsonb, "purchaseProblem" jsonb)
     order by id /* so that two transactions with the same activities do not wait for each other */
     on conflict (id) do nothing returning id`,
    [JSON.stringify(rows)],
  );
  const fresh = new Set(stored.map(({ id }) => id));
  return rows.filter(({ id }) => fresh.has(id));
};

export type Search = PageArguments & { readonly participant: string };

/** Beside `$1`, the participant: the viewer's events (null: all) and its own collector. */
const visible = `participant = $1 and ($2::text[] is null or event_id = any($2::text[]) or (event_id is null and collector = $3))`;

/** What a user did and the viewer may see, newest first: one statement, whatever the page. */
export const searchActivities = async (em: EntityManager, viewer: Viewer, search: Search): Promise<Connection<ActivityRow>> => {
  const page = pageOf(search, 3);
  const behind = page.after && positionOf(page.after);
  const scope = [search.participant, viewer.events === 'all' ? null : [...viewer.events], collectorOf(viewer)];
  const rows = await query<Omit<ActivityRow, 'at'> & { at: string }>(
    em,
    `select id, external_id as "externalId", name, event_id as "eventId", at, place, parameters, purchase, purchase_problem as "purchaseProblem"
     from activity.activities where ${visible} and ($4::timestamptz is null or (at, place, id) < ($4::timestamptz, $5::integer, $6::text))
     order by at desc, place desc, id desc limit $7`,
    [...scope, behind?.at ?? null, behind?.place ?? null, behind?.id ?? null, page.size + 1],
  );
  const count = async () => (await query<{ n: number }>(em, `select count(*)::int as n from activity.activities where ${visible}`, scope))[0]?.n ?? 0;
  return connectionOf(rows.map((row) => ({ ...row, at: new Date(row.at) })), page, keyOf, count);
};

const keyOf = ({ at, place, id }: ActivityRow): Key => [at.toISOString(), place, id];

const positionOf = ([at, place, id]: Key): { readonly at: string; readonly place: number; readonly id: string } => {
  if (typeof place !== 'number' || !Number.isInteger(place) || Math.abs(place) > 2_147_483_647) throw new InputError('CURSOR_INVALID', 'after', 'This is not a cursor of this list.');
  return { at: momentOf(at).toISOString(), place, id: String(id) };
};

/** Stores a batch of the inbox. */
export const storeTask = 'activity.store';

/** Batches whose job failed for good, or is not there: each gets another. Answers how many. */
const retryLeftBehind = async (em: EntityManager): Promise<number> => {
  const left = await query<{ batch: string }>(
    em,
    `select batch from activity.inbox where batch::text not in (
       select job.payload ->> 'batch' from graphile_worker._private_jobs job join graphile_worker._private_tasks task on task.id = job.task_id
       where task.identifier = $1 and job.attempts < job.max_attempts) for update skip locked`,
    [storeTask],
  );
  for (const { batch } of left) await enqueue(em, storeTask, { batch });
  return left.length;
};

/** Rows that one statement deletes: more would hold locks and fill the log for long. */
const deletedTogether = 10_000;

/** Drops what is older than so many days, and promises anew what was taken and could not be stored. */
export const maintain = async (em: EntityManager, now: Date, { activityDays, logger }: Pick<Hub, 'activityDays' | 'logger'>): Promise<void> => {
  const left = await retryLeftBehind(em);
  if (left > 0) logger.error({ code: 'ACTIVITIES_NOT_STORED', batches: left }, 'activities were taken and could not be stored; it is tried again');
  const before = new Date(now.getTime() - activityDays * 86_400_000).toISOString();
  let deleted = deletedTogether;
  while (deleted === deletedTogether) {
    const [row] = await query<{ n: number }>(
      em,
      `with gone as (delete from activity.activities where id in (select id from activity.activities where at < $1::timestamptz limit $2) returning id) select count(*)::int as n from gone`,
      [before, deletedTogether],
    );
    deleted = row?.n ?? 0;
  }
};

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[]): Promise<void> => {
  // First what waits: what is stored meanwhile was waited for by this, and is deleted by the next.
  await query(
    em,
    `update activity.inbox set entries = (select coalesce(jsonb_agg(entry order by place), '[]'::jsonb) from jsonb_array_elements(entries) with ordinality as kept (entry, place) where coalesce(entry ->> 'eventId', '') <> all($1::text[]))
     where exists (select from jsonb_array_elements(entries) as taken (entry) where entry ->> 'eventId' = any($1::text[]))`,
    [eventIds],
  );
  await query(em, 'delete from activity.activities where event_id = any($1::text[])', [eventIds]);
};
