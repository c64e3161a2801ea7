/** Reads of programmes and regions, through the events that the viewer may see; and adding an event to a programme. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import { inOrder, perArguments } from '#core/loaders.ts';
import { type Connection, type Page, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { randomToken } from '#core/secrets.ts';
import { query } from '#core/sql.ts';
import type { Viewer } from '#core/viewer.ts';
import { EventRow } from './entities.ts';
import { type EventGroup, type Programme, groupName } from './programmes.ts';
import { isSeen, seenBy } from './visible.ts';

/** Numbers of the events of one region of a group. */
export type RegionSummary = { readonly region: string | null; readonly events: number; readonly preEvent: number; readonly ongoing: number; readonly ended: number; readonly start: Date; /** Null while the end of one is not known. */ readonly end: Date | null };

export type ProgrammeLoaders = {
  /** Null for programmes that are not there or of which the viewer sees no event. */
  readonly programme: DataLoader<string, Programme | null>;
  /** By region, by name; none where the viewer sees no event. */
  readonly summary: DataLoader<EventGroup, readonly RegionSummary[], string>;
  /** A page of the events of a group, earliest beginning first. */
  readonly eventsOf: (page: Page) => DataLoader<EventGroup, Connection<EventRow>, string>;
};

export const createProgrammeLoaders = (em: EntityManager, viewer: Viewer): ProgrammeLoaders => {
  const summary = new DataLoader((groups: readonly EventGroup[]) => readSummaries(em, viewer, groups), { cacheKeyFn: groupName });
  return {
    summary,
    programme: new DataLoader(async (ids) => inOrder(ids, await readProgrammes(em, viewer, ids))),
    eventsOf: perArguments((page: Page) => new DataLoader((groups: readonly EventGroup[]) => readPages(em, viewer, groups, page, summary), { cacheKeyFn: groupName })),
  };
};

const readProgrammes = (em: EntityManager, viewer: Viewer, ids: readonly string[]): Promise<Programme[]> =>
  query<Programme>(em, `select p.id, p.name from events.programmes p where p.id = any($3::text[]) and ${hasSeen}`, [...seenBy(viewer), [...ids]]);

/** Of the programme `p`. */
const hasSeen = `exists (select 1 from events.events e where coalesce(e.programme_id, '') = p.id and ${isSeen})`;

export const listProgrammes = async (em: EntityManager, viewer: Viewer, args: PageArguments): Promise<Connection<Programme>> => {
  const page = pageOf(args, 1);
  const seen = seenBy(viewer);
  const rows = await query<Programme>(em, `select p.id, p.name from events.programmes p where ${hasSeen} and ($3::text is null or p.name > $3) order by p.name limit $4`, [...seen, page.after === null ? null : String(page.after[0]), page.size + 1]);
  const count = async (): Promise<number> => (await query<{ n: number }>(em, `select count(*)::int as n from events.programmes p where ${hasSeen}`, seen))[0]?.n ?? 0;
  return connectionOf(rows, page, ({ name }) => [name], count);
};

type SummaryRow = { programme_id: string; region: string | null; events: number; pre_event: number; ongoing: number; ended: number; start: string; end: string | null };

const readSummaries = async (em: EntityManager, viewer: Viewer, groups: readonly EventGroup[]): Promise<RegionSummary[][]> => {
  const programmes = groups.map(({ programmeId }) => programmeId ?? '');
  const regions = groups.flatMap(({ programmeId, region }) => (programmeId === null ? [region] : []));
  const rows = await query<SummaryRow>(
    em,
    `select coalesce(e.programme_id, '') as programme_id, e.region, count(*)::int as events, count(*) filter (where e.status = 'PRE_EVENT')::int as pre_event, count(*) filter (where e.status = 'ONGOING')::int as ongoing,
       count(*) filter (where e.status = 'ENDED')::int as ended, min(e.starts_at) as start, case when bool_and(e.ends_at is not null) then max(e.ends_at) end as end
     from events.events e where coalesce(e.programme_id, '') = any($3::text[]) and (e.programme_id is not null or e.region = any($4::text[])) and ${isSeen}
     group by 1, 2 order by 1, 2`,
    [...seenBy(viewer), [...new Set(programmes)], regions],
  );
  return groups.map(({ programmeId, region }) => rows.filter((row) => row.programme_id === (programmeId ?? '') && (region === null || row.region === region)).map(asSummary));
};

const asSummary = ({ region, events, pre_event, ongoing, ended, start, end }: SummaryRow): RegionSummary => ({ region, events, preEvent: pre_event, ongoing, ended, start: new Date(start), end: end === null ? null : new Date(end) });

/** One page of each group: which events in one statement, and the events in another, however many groups there are. */
const readPages = async (em: EntityManager, viewer: Viewer, groups: readonly EventGroup[], page: Page, summary: ProgrammeLoaders['summary']): Promise<Connection<EventRow>[]> => {
  const [start, id] = page.after ? [momentOf(page.after[0]), String(page.after[1])] : [null, null];
  const found = await query<{ n: string; id: string }>(
    em,
    `select g.n, e.id from unnest($3::text[], $4::text[]) with ordinality as g (programme_id, region, n) cross join lateral (
       select e.id, e.starts_at from events.events e
       where coalesce(e.programme_id, '') = g.programme_id and (g.region is null or e.region = g.region) and ($5::timestamptz is null or (e.starts_at, e.id) > ($5, $6)) and ${isSeen}
       order by e.starts_at, e.id limit $7) e
     order by g.n, e.starts_at, e.id`,
    [...seenBy(viewer), groups.map(({ programmeId }) => programmeId ?? ''), groups.map(({ region }) => region), start, id, page.size + 1],
  );
  const events = new Map((await em.find(EventRow, { id: { $in: found.map((row) => row.id) } })).map((event) => [event.id, event]));
  return groups.map((group, index) => {
    const rows = found.flatMap((row) => (Number(row.n) === index + 1 ? (events.get(row.id) ?? []) : []));
    return connectionOf(rows, page, (event) => [event.startsAt.toISOString(), event.id], async () => (await summary.load(group)).reduce((sum, { events: count }) => sum + count, 0));
  });
};

/** What the hub has of an event that is to become part of a programme. */
export type KnownEvent = {
  readonly serviceId: string;
  readonly product: string;
  readonly apiUrl: string;
  /** Name of the programme that it is in. */
  readonly programme: string | null;
  readonly region: string | null;
  readonly timezone: string;
};

/** Null for an event that no service has. */
export const findKnownEvent = async (em: EntityManager, eventId: string): Promise<KnownEvent | null> => {
  const [known] = await query<KnownEvent>(
    em,
    `select s.id as "serviceId", s.product, s.api_url as "apiUrl", p.name as programme, e.region, e.timezone
     from hub.event_ids o join hub.services s on s.id = o.service_id join events.events e on e.id = o.event_id left join events.programmes p on p.id = e.programme_id
     where o.event_id = $1`,
    [eventId],
  );
  return known ?? null;
};

export type Membership = { readonly programme: string; readonly eventId: string; readonly region: string; readonly by: string | null; readonly now: Date };

/** In the caller's transaction. Makes the programme unless one has the name. Answers its id; null where the event is in a programme already. */
export const addToProgramme = async (em: EntityManager, { programme, eventId, region, by, now }: Membership): Promise<string | null> => {
  await query(em, 'insert into events.programmes (id, name, created_at, created_by) values ($1, $2, $3, $4) on conflict (name) do nothing', [`prg_${randomToken(12)}`, programme, now.toISOString(), by]);
  const [added] = await query<{ id: string }>(em, 'update events.events e set programme_id = p.id, region = $3 from events.programmes p where e.id = $1 and p.name = $2 and e.programme_id is null returning p.id', [eventId, programme, region]);
  return added?.id ?? null;
};

/** Null where no programme has the name. */
export const findProgrammeId = async (em: EntityManager, name: string): Promise<string | null> => (await query<{ id: string }>(em, 'select id from events.programmes where name = $1', [name]))[0]?.id ?? null;

/** Names of the regions that a programme has. */
export const regionsOf = async (em: EntityManager, programme: string): Promise<string[]> =>
  (await query<{ region: string }>(em, `select distinct e.region from events.events e join events.programmes p on p.id = coalesce(e.programme_id, '') where p.name = $1`, [programme])).map(({ region }) => region);
