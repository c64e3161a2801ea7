/** The platform's HTTP API, as README.md documents it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Bookings, bookingInput, createIdempotency } from './platform-bookings.ts';
import type { Webhooks } from './platform-webhooks.ts';
import { type Kind, type Resources, type World, kinds } from './platform-world.ts';
import { Refused } from './refused.ts';

const name = z.string().min(1).max(300);
const money = z.object({ amount: z.string().regex(/^\d{1,9}\.\d{2}$/), currency: z.string().regex(/^[A-Z]{3}$/) });
const moment = z.iso.datetime({ offset: true });

/** What clients may write of each resource; PATCH takes any part of it. */
const writable = {
  artists: z.strictObject({ name, genre: z.string().max(100).nullable().default(null), yandexMusicId: z.string().max(40).nullable().default(null) }),
  venues: z.strictObject({ name, address: name, capacity: z.number().int().min(0).nullable().default(null) }),
  events: z.strictObject({ name, type: z.string().max(100).nullable().default(null), startsAt: moment, endsAt: moment.nullable().default(null), timezone: z.string(), region: z.string().nullable().default(null), organizer: z.string().nullable().default(null), public: z.boolean().default(false), venueId: z.string().nullable().default(null), artistIds: z.array(z.string()).max(100).default([]) }),
  tickets: z.strictObject({ eventId: z.string(), category: name, seat: z.string().max(50).nullable().default(null), price: money }),
} satisfies Partial<Record<Kind, z.ZodObject>>;
type Writable = keyof typeof writable;

const prefixes: Readonly<Record<Writable, string>> = { artists: 'art', venues: 'ven', events: 'evt', tickets: 'tkt' };
const largestPage = 100;

export const parse = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refused(422, 'invalid', issue?.message ?? 'not valid', { field: issue?.path.join('.') ?? '' });
};

const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id;

export const platformRoutes = (app: FastifyInstance, world: World, bookings: Bookings, webhooks: Webhooks): void => {
  app.get('/health', () => ({ status: 'healthy' }));
  for (const kind of kinds) readRoutes(app, world, kind);
  for (const kind of Object.keys(writable) as Writable[]) writeRoutes(app, world, kind);
  bookingRoutes(app, bookings);
  app.post('/check-ins', (request, reply) => {
    const input = parse(z.object({ bookingId: z.string(), ticketId: z.string(), direction: z.enum(['entry', 'exit']).default('entry'), gate: z.string().nullable().default(null), at: moment.optional() }), request.body);
    return reply.code(201).send(bookings.checkIn(input.bookingId, input.ticketId, input.direction, input.gate, input.at ?? new Date(world.now()).toISOString()));
  });
  app.post('/webhooks', (request, reply) => {
    const { url, secret } = parse(z.object({ url: z.url({ protocol: /^https?$/ }), secret: z.string().min(16).max(200) }), request.body);
    return reply.code(201).send({ id: webhooks.add(url, secret).id, url });
  });
  app.get('/webhooks', () => ({ items: webhooks.all.map(({ id, url }) => ({ id, url })), nextCursor: null }));
  app.delete('/webhooks/:id', (request, reply) => (webhooks.remove(idOf(request)), reply.code(204).send()));
};

/** An event shows its venue. */
const shown = (world: World, kind: Kind, resource: Resources[Kind]): unknown => {
  if (kind !== 'events') return resource;
  const venue = world.of('venues').get((resource as Resources['events']).venueId ?? '');
  return { ...resource, venue: venue && venue.deletedAt === null ? { id: venue.id, name: venue.name, address: venue.address } : null };
};

const readRoutes = (app: FastifyInstance, world: World, kind: Kind): void => {
  app.get(`/${kind}`, (request) => {
    const asked = parse(z.object({ limit: z.coerce.number().int().min(1).max(largestPage).default(50), cursor: z.string().optional(), changedSince: moment.optional(), eventId: z.string().optional() }), request.query);
    const after = asked.cursor === undefined ? '' : Buffer.from(asked.cursor, 'base64url').toString('utf8');
    const since = asked.changedSince === undefined ? -Infinity : Date.parse(asked.changedSince);
    // Times of change are unique: they are the order and the cursor.
    const rows = [...world.of(kind).values()]
      .filter((row) => (asked.changedSince !== undefined || row.deletedAt === null) && Date.parse(row.updatedAt) >= since && row.updatedAt > after && (asked.eventId === undefined || ('eventId' in row && row.eventId === asked.eventId)))
      .sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1));
    const page = rows.slice(0, asked.limit);
    return { items: page.map((row) => shown(world, kind, row)), nextCursor: rows.length > page.length ? Buffer.from(page.at(-1)?.updatedAt ?? '').toString('base64url') : null };
  });
  app.get(`/${kind}/:id`, (request) => shown(world, kind, world.find(kind, idOf(request))));
};

const writeRoutes = (app: FastifyInstance, world: World, kind: Writable): void => {
  const schema: z.ZodObject = writable[kind];
  const once = createIdempotency();
  app.post(`/${kind}`, async (request, reply) => {
    const input = parse(schema, request.body);
    const make = async () => {
      checkReferences(world, input);
      return world.put(kind, { id: world.newId(prefixes[kind]), ...(kind === 'tickets' ? { status: 'available' } : {}), ...input } as never);
    };
    const key = request.headers['idempotency-key'];
    const made = await (key === undefined ? make() : once(String(key), input, make));
    return reply.code(201).send(shown(world, kind, made));
  });
  app.patch(`/${kind}/:id`, (request) => {
    const known = world.find(kind, idOf(request));
    const given = z.record(z.string(), z.unknown()).catch({}).parse(request.body);
    // Defaults are for what is new.
    const input = Object.fromEntries(Object.entries(parse(schema.partial(), given)).filter(([key]) => key in given));
    checkReferences(world, input);
    if ('status' in known && known.status !== 'available' && 'price' in input) throw new Refused(409, 'ticket_taken', 'The price of a ticket that is reserved or sold stays.', { field: 'price' });
    const changed = world.put(kind, { ...known, ...input } as never);
    // What an event shows of its venue is a part of it.
    if (kind === 'venues') for (const event of world.of('events').values()) if (event.venueId === known.id && event.deletedAt === null) world.put('events', event);
    return shown(world, kind, changed);
  });
  app.delete(`/${kind}/:id`, (request, reply) => {
    const known = world.find(kind, idOf(request));
    if (kind === 'tickets' && 'status' in known && known.status !== 'available') throw new Refused(409, 'ticket_taken', 'The ticket is reserved or sold.');
    if (kind === 'events' && [...world.of('bookings').values()].some(({ eventId, status }) => eventId === known.id && (status === 'reserved' || status === 'confirmed'))) throw new Refused(409, 'event_booked', 'The event has bookings.');
    world.remove(kind, known.id);
    return reply.code(204).send();
  });
};

/** What a resource points to must be there. */
const checkReferences = (world: World, input: Readonly<Record<string, unknown>>): void => {
  const check = (kind: Kind, id: unknown, field: string): void => {
    if (typeof id !== 'string') return;
    const found = world.of(kind).get(id);
    if (!found || found.deletedAt !== null) throw new Refused(422, 'unknown_reference', `There is no ${kind.slice(0, -1)} ${id}.`, { field });
  };
  check('venues', input.venueId, 'venueId');
  check('events', input.eventId, 'eventId');
  for (const id of Array.isArray(input.artistIds) ? (input.artistIds as unknown[]) : []) check('artists', id, 'artistIds');
};

const bookingRoutes = (app: FastifyInstance, bookings: Bookings): void => {
  const once = createIdempotency();
  app.post('/bookings', async (request, reply) => {
    const input = parse(bookingInput, request.body);
    const key = request.headers['idempotency-key'];
    return reply.code(201).send(await once(key === undefined ? undefined : String(key), input, () => bookings.reserve(input)));
  });
  app.post('/bookings/:id/confirm', (request) => bookings.confirm(idOf(request)));
  app.post('/bookings/:id/cancel', (request) => bookings.cancel(idOf(request)));
};
