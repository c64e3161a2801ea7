/** Reads: one statement a request for each kind of thing, however many events it asks for. */
import DataLoader from 'dataloader';
import { z } from 'zod';
import type { EntityManager } from '#core/database.ts';
import { perArguments } from '#core/loaders.ts';
import { type Connection, type Key, type PageArguments, connectionOf, pageOf } from '#core/pagination.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import { type Viewer, maySeeEvent } from '#core/viewer.ts';
import { type TicketingContext, settings as settingsSchema, yandexOf } from './connector-settings.ts';
import { readGlobalId } from './domain.ts';
import { createLookups } from './store-lookups.ts';
import { type Album, type Coordinates, album, coordinates } from './upstream-yandex.ts';

export type EventRow = { readonly eventId: string; readonly serviceId: string; readonly platformId: string; readonly name: string; readonly startsAt: Date; readonly public: boolean; readonly venueId: string | null; readonly artistIds: readonly string[] };
export type Artist = { readonly serviceId: string; readonly id: string; readonly name: string; readonly genre: string | null; readonly yandexMusicId: string | null };
export type Venue = { readonly serviceId: string; readonly id: string; readonly name: string; readonly address: string; readonly capacity: number | null };
export type Ticket = { readonly eventId: string; readonly id: string; readonly category: string; readonly seat: string | null; readonly amount: string; readonly currency: string; readonly status: 'available' | 'reserved' | 'sold' };
export type CategoryCount = { readonly category: string; readonly total: number; readonly available: number };
export type TicketArguments = PageArguments & { readonly category?: string | null; readonly available?: boolean | null };
type Of = { readonly serviceId: string; readonly id: string };

export type Loaders = {
  /** Null for events that the viewer may not see; public ones are everybody's. */
  readonly events: DataLoader<string, EventRow | null>;
  readonly artists: DataLoader<Of, Artist | null, string>;
  readonly venues: DataLoader<Of, Venue | null, string>;
  readonly availability: DataLoader<string, readonly CategoryCount[]>;
  readonly tickets: (args: TicketArguments) => DataLoader<string, Connection<Ticket>>;
  readonly ticket: DataLoader<{ readonly eventId: string; readonly id: string }, Ticket | null, string>;
  readonly discographies: DataLoader<{ readonly serviceId: string; readonly artistId: string }, readonly Album[] | null, string>;
  readonly coordinates: DataLoader<{ readonly serviceId: string; readonly address: string }, Coordinates | null, string>;
};

const ofService = ({ serviceId, id }: Of): string => `${serviceId}:${id}`;

export const createLoaders = (em: EntityManager, viewer: Viewer, hub: Hub, signal: AbortSignal): Loaders => {
  const contexts = new Map<string, Promise<TicketingContext>>();
  const contextOf = (serviceId: string): Promise<TicketingContext> => {
    const context = contexts.get(serviceId) ?? (hub.ingest.connect(serviceId, signal) as Promise<TicketingContext>);
    contexts.set(serviceId, context);
    return context;
  };
  const kept = { cache: hub.cache, now: hub.now, logger: hub.logger };
  return {
    events: new DataLoader(async (ids) => {
      const rows = new Map((await readEvents(em, ids)).map((row) => [row.eventId, row]));
      return ids.map((id) => rows.get(id) ?? null).map((row) => (row && isVisible(viewer, row) ? row : null));
    }),
    artists: new DataLoader((keys) => readOfServices<Artist>(em, keys, 'artists', 't.name, t.genre, t.yandex_music_id as "yandexMusicId"'), { cacheKeyFn: ofService }),
    venues: new DataLoader((keys) => readOfServices<Venue>(em, keys, 'venues', 't.name, t.address, t.capacity'), { cacheKeyFn: ofService }),
    availability: new DataLoader((ids) => readAvailability(em, ids)),
    tickets: perArguments((args: TicketArguments) => new DataLoader((ids) => readTickets(em, ids, args))),
    ticket: new DataLoader((keys) => readTicketsById(em, keys), { cacheKeyFn: ({ eventId, id }) => `${eventId} ${id}` }),
    discographies: createLookups({
      ...kept, schema: z.array(album), nameOf: ({ serviceId, artistId }) => `ticketing:discography:${serviceId}:${artistId}`,
      fetch: async ({ serviceId, artistId }) => yandexOf(await contextOf(serviceId)).discography(artistId) as Promise<Album[] | null | undefined>,
    }) as Loaders['discographies'],
    coordinates: createLookups({
      ...kept, schema: coordinates, nameOf: ({ serviceId, address }) => `ticketing:coordinates:${serviceId}:${address}`,
      fetch: async ({ serviceId, address }) => yandexOf(await contextOf(serviceId)).coordinates(address),
    }),
  };
};

const eventColumns = 'event_id as "eventId", service_id as "serviceId", platform_id as "platformId", name, starts_at as "startsAt", public, venue_id as "venueId", artist_ids as "artistIds"';

const readEvents = async (em: EntityManager, ids: readonly string[]): Promise<EventRow[]> =>
  (await query<EventRow>(em, `select ${eventColumns} from ticketing.events where event_id = any($1::text[])`, [ids])).map((row) => ({ ...row, startsAt: new Date(row.startsAt) }));

/** Public events are everybody's. */
export const isVisible = (viewer: Viewer, event: EventRow): boolean => event.public || maySeeEvent(viewer, event.eventId);

/** Whoever asks: for the hub's own work. */
export const findEvent = async (em: EntityManager, id: string): Promise<EventRow | null> => (await readEvents(em, [id]))[0] ?? null;

const readOfServices = async <Row extends Of>(em: EntityManager, keys: readonly Of[], table: 'artists' | 'venues', columns: string): Promise<(Row | null)[]> => {
  const rows = await query<Row>(em, `select t.service_id as "serviceId", t.id, ${columns} from ticketing.${table} t join unnest($1::text[], $2::text[]) as wanted (service_id, id) using (service_id, id)`, [keys.map(({ serviceId }) => serviceId), keys.map(({ id }) => id)]);
  const found = new Map(rows.map((row) => [ofService(row), row]));
  return keys.map((key) => found.get(ofService(key)) ?? null);
};

/** A ticket that a booking of the hub holds is not to be had, whatever the platform last said of it. */
const status = `case when t.status = 'available' and c.booking_id is not null then 'reserved' else t.status end`;
const ticketColumns = `t.event_id as "eventId", t.id, t.category, t.seat, t.amount, t.currency, ${status} as status`;
const claimed = 'left join ticketing.claims c on c.event_id = t.event_id and c.ticket_id = t.id';

const readAvailability = async (em: EntityManager, ids: readonly string[]): Promise<CategoryCount[][]> => {
  const rows = await query<CategoryCount & { event_id: string }>(em, `select t.event_id, t.category, count(*)::int as total, (count(*) filter (where ${status} = 'available'))::int as available from ticketing.tickets t ${claimed} where t.event_id = any($1::text[]) group by t.event_id, t.category order by t.category`, [ids]);
  const byEvent = Map.groupBy(rows, ({ event_id }) => event_id);
  return ids.map((id) => byEvent.get(id) ?? []);
};

const wanted = `($2::text is null or t.category = $2) and ($3::boolean is null or (${status} = 'available') = $3)`;

const readTickets = async (em: EntityManager, ids: readonly string[], args: TicketArguments): Promise<Connection<Ticket>[]> => {
  const page = pageOf(args, 2);
  const filter = [args.category ?? null, args.available ?? null];
  const rows = await query<Ticket>(
    em,
    `select page.* from unnest($1::text[]) as asked (id) cross join lateral (
       select ${ticketColumns} from ticketing.tickets t ${claimed}
       where t.event_id = asked.id and ${wanted} and ($4::text is null or (t.category, t.id) > ($4::text, $5::text)) order by t.category, t.id limit $6) page
     order by page."eventId", page.category, page.id`,
    [ids, ...filter, page.after && String(page.after[0]), page.after && String(page.after[1]), page.size + 1],
  );
  const byEvent = Map.groupBy(rows, ({ eventId }) => eventId);
  const counts = new DataLoader<string, number>(async (events) => {
    const counted = await query<{ event_id: string; n: number }>(em, `select t.event_id, count(*)::int as n from ticketing.tickets t ${claimed} where t.event_id = any($1::text[]) and ${wanted} group by t.event_id`, [events, ...filter]);
    const found = new Map(counted.map((row) => [row.event_id, row.n]));
    return events.map((id) => found.get(id) ?? 0);
  });
  return ids.map((id) => connectionOf(byEvent.get(id) ?? [], page, ({ category, id: ticketId }): Key => [category, ticketId], () => counts.load(id)));
};

const readTicketsById = async (em: EntityManager, keys: readonly { readonly eventId: string; readonly id: string }[]): Promise<(Ticket | null)[]> => {
  const rows = await query<Ticket>(em, `select ${ticketColumns} from ticketing.tickets t ${claimed} join unnest($1::text[], $2::text[]) as wanted (event_id, id) on t.event_id = wanted.event_id and t.id = wanted.id`, [keys.map(({ eventId }) => eventId), keys.map(({ id }) => id)]);
  const found = new Map(rows.map((row) => [`${row.eventId} ${row.id}`, row]));
  return keys.map(({ eventId, id }) => found.get(`${eventId} ${id}`) ?? null);
};

/** Artists or venues by name. A viewer of some events gets those of these events, and of public ones. */
const listOfServices = async <Row extends Of & { readonly name: string }>(em: EntityManager, viewer: Viewer, args: PageArguments, table: 'artists' | 'venues', columns: string, isNamedBy: string): Promise<Connection<Row>> => {
  const page = pageOf(args, 3);
  const visible = viewer.events === 'all' ? null : [...viewer.events];
  const where = `($1::text[] is null or exists (select from ticketing.events e where e.service_id = t.service_id and ${isNamedBy} and (e.public or e.event_id = any($1::text[]))))`;
  const rows = await query<Row>(
    em,
    `select t.service_id as "serviceId", t.id, ${columns} from ticketing.${table} t where ${where} and ($2::text is null or (t.name, t.service_id, t.id) > ($2::text, $3::text, $4::text)) order by t.name, t.service_id, t.id limit $5`,
    [visible, ...[0, 1, 2].map((part) => page.after && String(page.after[part])), page.size + 1],
  );
  return connectionOf(rows, page, ({ name, serviceId, id }): Key => [name, serviceId, id], async () => (await query<{ n: number }>(em, `select count(*)::int as n from ticketing.${table} t where ${where}`, [visible]))[0]?.n ?? 0);
};

export const listArtists = (em: EntityManager, viewer: Viewer, args: PageArguments): Promise<Connection<Artist>> => listOfServices<Artist>(em, viewer, args, 'artists', 't.name, t.genre, t.yandex_music_id as "yandexMusicId"', 't.id = any(e.artist_ids)');
export const listVenues = (em: EntityManager, viewer: Viewer, args: PageArguments): Promise<Connection<Venue>> => listOfServices<Venue>(em, viewer, args, 'venues', 't.name, t.address, t.capacity', 't.id = e.venue_id');

export type HeldService = { readonly isPaused: boolean; readonly maxHeldSeats: number };

/** The service, which is neither paused nor removed until the caller's transaction ends; null for one that is not there any more. */
export const holdService = async (em: EntityManager, serviceId: string): Promise<HeldService | null> => {
  const [row] = await query<{ state: string; max: unknown }>(em, `select state, settings -> 'maxHeldSeats' as max from hub.services where id = $1 for key share`, [serviceId]);
  if (!row || row.state === 'REMOVED') return null;
  return { isPaused: row.state === 'PAUSED', maxHeldSeats: settingsSchema.shape.maxHeldSeats.catch(100).parse(row.max) };
};

/** Of these tickets, those that the event has. */
export const knownTickets = async (em: EntityManager, eventId: string, ids: readonly string[]): Promise<ReadonlySet<string>> =>
  new Set((await query<{ id: string }>(em, 'select id from ticketing.tickets where event_id = $1 and id = any($2::text[])', [eventId, ids])).map(({ id }) => id));

/** By the id that the graph shows; null for what is none. */
export const findArtist = async (loaders: Loaders, id: string): Promise<Artist | null> => {
  const key = readGlobalId(id);
  return key && loaders.artists.load(key);
};
export const findVenue = async (loaders: Loaders, id: string): Promise<Venue | null> => {
  const key = readGlobalId(id);
  return key && loaders.venues.load(key);
};
