/** The HTTP endpoints, with Eventbrite's errors and pages. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tellAttendee, tellEvent, tellTicketClass } from './payloads.ts';
import { replicaCount } from './replicas.ts';
import type { Webhooks } from './webhooks.ts';
import type { SimulatedEvent, World } from './world.ts';

/** An answer that is no success, in Eventbrite's words. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

export type RoutesOptions = { readonly world: World; readonly webhooks: Webhooks; readonly now: () => number; readonly pageSize: () => number; /** Tokens of pages made before it are not known any more. */ readonly epoch: () => number };

const newWebhook = z.object({ endpoint_url: z.url({ protocol: /^https?$/ }), actions: z.union([z.string().transform((text) => text.split(',')), z.array(z.string())]).pipe(z.array(z.string()).min(1)), event_id: z.string().nullish() });

export const addRoutes = (app: FastifyInstance, options: RoutesOptions): void => {
  const { world, webhooks, now } = options;
  const anyReplica = (): number => world.random.below(replicaCount);
  const ownOrganization = (request: FastifyRequest): void => {
    if (parameter(request, 'organization') !== world.organization.id) throw new Refused(403, 'NOT_AUTHORIZED', 'You do not have permission to access the resource you requested.');
  };
  const eventOf = (request: FastifyRequest): SimulatedEvent => {
    const event = world.events.read(anyReplica()).find(({ plan }) => plan.id === parameter(request, 'event'));
    if (!event) throw new Refused(404, 'NOT_FOUND', 'The event you requested does not exist.');
    return event;
  };
  const attendees = (request: FastifyRequest, event: string | null) => {
    const since = sinceOf(request);
    const rows = world.attendees.read(anyReplica()).filter((each) => (event === null || each.eventId === event) && Date.parse(each.changed) >= since && isAskedFor(each.status, queryOf(request).status));
    return pageOf(request, options, 'attendees', rows, tellAttendee);
  };

  app.get('/v3/users/me/', () => ({ id: world.organization.userId, name: 'Acme Owner', emails: [] }));
  app.get('/v3/users/me/organizations/', (request) => pageOf(request, options, 'organizations', [world.organization], ({ id, name }) => ({ id, name, _type: 'organization' })));
  app.get('/v3/organizations/:organization/events/', (request) => {
    ownOrganization(request);
    const { time_filter: period, order_by: order = 'start_asc' } = queryOf(request);
    const rows = world.events.read(anyReplica()).filter(({ plan }) => period !== 'current_future' || plan.end.getTime() > now());
    const ordered = rows.toSorted((a, b) => (a.plan.start.getTime() - b.plan.start.getTime() || a.plan.id.localeCompare(b.plan.id)) * (order === 'start_desc' ? -1 : 1));
    return pageOf(request, options, 'events', ordered, (event) => tellEvent(world, event, now(), expansionsOf(request)));
  });
  app.get('/v3/organizations/:organization/attendees/', (request) => {
    ownOrganization(request);
    return attendees(request, null);
  });
  app.get('/v3/events/:event/', (request) => tellEvent(world, eventOf(request), now(), expansionsOf(request)));
  app.get('/v3/events/:event/attendees/', (request) => attendees(request, eventOf(request).plan.id));
  app.get('/v3/events/:event/attendees/:attendee/', (request) => {
    const { plan } = eventOf(request);
    const attendee = world.attendees.read(anyReplica()).find(({ id, eventId }) => eventId === plan.id && id === parameter(request, 'attendee'));
    if (!attendee) throw new Refused(404, 'NOT_FOUND', 'The attendee you requested does not exist.');
    return tellAttendee(attendee);
  });
  app.get('/v3/events/:event/ticket_classes/', (request) => {
    const event = eventOf(request);
    return pageOf(request, options, 'ticket_classes', event.ticketClasses, (kind) => tellTicketClass(world, event, kind));
  });
  app.get('/v3/organizations/:organization/webhooks/', (request) => {
    ownOrganization(request);
    return pageOf(request, options, 'webhooks', webhooks.all, (webhook) => ({ ...webhook, user_id: world.organization.userId }));
  });
  app.post('/v3/organizations/:organization/webhooks/', (request) => {
    ownOrganization(request);
    const asked = newWebhook.safeParse(request.body ?? {});
    if (!asked.success) throw new Refused(400, 'ARGUMENTS_ERROR', `There are errors with your arguments: ${asked.error.issues.map(({ path }) => path.join('.')).join(', ')}`);
    const webhook = { id: world.nextId(), endpoint_url: asked.data.endpoint_url, actions: asked.data.actions, event_id: asked.data.event_id || null, created: world.stamp() };
    webhooks.all.push(webhook);
    return { ...webhook, user_id: world.organization.userId };
  });
  app.delete('/v3/webhooks/:webhook/', (request) => {
    const index = webhooks.all.findIndex(({ id }) => id === parameter(request, 'webhook'));
    if (index < 0) throw new Refused(404, 'NOT_FOUND', 'The webhook you requested does not exist.');
    webhooks.all.splice(index, 1);
    return { success: true };
  });
};

const parameter = (request: FastifyRequest, name: string): string | undefined => (request.params as Readonly<Record<string, string>>)[name];
const queryOf = (request: FastifyRequest): Readonly<Record<string, string | undefined>> => request.query as Readonly<Record<string, string>>;
const expansionsOf = (request: FastifyRequest): ReadonlySet<string> => new Set(queryOf(request).expand?.split(','));

const sinceOf = (request: FastifyRequest): number => {
  const asked = queryOf(request).changed_since;
  if (asked === undefined) return -Infinity;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(asked)) throw new Refused(400, 'ARGUMENTS_ERROR', 'There are errors with your arguments: changed_since - INVALID');
  return Date.parse(asked);
};

const asked: Readonly<Record<string, readonly string[]>> = { attending: ['Attending', 'Checked In'], not_attending: ['Not Attending', 'Deleted', 'Transferred'], unpaid: ['Unpaid'] };
const isAskedFor = (status: string, filter: string | undefined): boolean => filter === undefined || (asked[filter]?.includes(status) ?? false);

/** A token names the row that the next page begins behind, so that rows which come meanwhile move nothing. */
const place = z.object({ after: z.string(), page: z.number(), epoch: z.number() });

const placeOf = (request: FastifyRequest, epoch: number): z.infer<typeof place> | null => {
  const token = queryOf(request).continuation;
  if (token === undefined) return null;
  try {
    const known = place.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
    if (known.epoch === epoch) return known;
  } catch {
    // Refused like a token of another time.
  }
  throw new Refused(400, 'BAD_CONTINUATION_TOKEN', 'Invalid continuation token passed.');
};

const pageOf = <T>(request: FastifyRequest, { pageSize, epoch }: RoutesOptions, key: string, rows: readonly T[], tell: (row: T) => { readonly id: string }) => {
  const known = placeOf(request, epoch());
  const size = pageSize();
  const told = rows.map(tell);
  const from = known === null ? 0 : told.findIndex(({ id }) => id === known.after) + 1;
  const page = told.slice(from, from + size);
  const number = (known?.page ?? 0) + 1;
  const more = from + size < told.length;
  const token = { after: page.at(-1)?.id ?? known?.after ?? '', page: number, epoch: epoch() };
  return { pagination: { object_count: told.length, page_count: Math.max(1, Math.ceil(told.length / size)), page_size: size, page_number: number, has_more_items: more, ...(more ? { continuation: Buffer.from(JSON.stringify(token)).toString('base64url') } : {}) }, [key]: page };
};
