/** What can be read: lists in pages, and single things. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { including, tellCheckIn, tellEvent, tellItem, tellList, tellOrder, tellQuota, tellStatus, tellSubevent } from './payloads.ts';
import type { Webhooks } from './webhooks.ts';
import { type Order, type SimulatedEvent, type World, micros } from './world.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Answered as it is, with its status. */
export class Refused {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

export const queryOf = (request: FastifyRequest): URLSearchParams => new URL(request.url, 'http://simulator').searchParams;

/** pretix answers 403 for an event that is not there: whoever may not see one must not learn which exist. */
export const eventOf = (world: World, request: FastifyRequest): SimulatedEvent => {
  const event = world.events.get((request.params as { event: string }).event);
  if (!event) throw new Refused(403, { detail: 'You do not have permission to perform this action.' });
  return event;
};

export const found = <T>(thing: T | undefined, what: string): T => {
  if (thing === undefined) throw new Refused(404, { detail: `No ${what} matches the given query.` });
  return thing;
};

const maxPageSize = 50;

/** `count`, `next`, `previous`, `results`. */
const paged = (request: FastifyRequest, rows: readonly Row[]): object => {
  const query = queryOf(request);
  const size = Math.min(maxPageSize, Math.max(1, Number(query.get('page_size')) || maxPageSize));
  const page = Number(query.get('page') ?? 1);
  const pages = Math.max(1, Math.ceil(rows.length / size));
  if (!Number.isInteger(page) || page < 1 || page > pages) throw new Refused(404, { detail: 'Invalid page.' });
  const address = (number: number): string | null => {
    if (number < 1 || number > pages) return null;
    const url = new URL(request.url, `http://${request.headers.host}`);
    url.searchParams.set('page', String(number));
    return url.href;
  };
  return { count: rows.length, next: address(page + 1), previous: address(page - 1), results: rows.slice((page - 1) * size, page * size) };
};

const since = (query: URLSearchParams, name: string): bigint | null => {
  const text = query.get(name);
  if (text === null) return null;
  if (Number.isNaN(Date.parse(text))) throw new Refused(400, { [name]: ['Enter a valid date/time.'] });
  return micros(text);
};

/** Rows by a field, ascending or with `-` descending; rows with the same value keep their order. */
const ordered = <T>(rows: readonly T[], by: string, keys: Readonly<Record<string, (row: T) => string | number | bigint>>): T[] => {
  const key = keys[by.replace(/^-/, '')];
  if (!key) return [...rows];
  const compare = (a: T, b: T) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
  return rows.toSorted(by.startsWith('-') ? (a, b) => compare(b, a) : compare);
};

const listOrders = (orders: readonly Order[], request: FastifyRequest): object => {
  const query = queryOf(request);
  const from = since(query, 'modified_since');
  const chosen = orders.filter((order) => (from === null || micros(order.last_modified) >= from) && (!query.has('status') || order.status === query.get('status')) && (!query.has('code') || order.code === query.get('code')?.toUpperCase()));
  const rows = ordered(chosen, query.get('ordering') ?? 'datetime', { datetime: ({ datetime }) => micros(datetime), last_modified: ({ last_modified }) => micros(last_modified), code: ({ code }) => code, status: ({ status }) => status });
  return paged(request, rows.map((order) => including(tellOrder(order, query.get('include_canceled_positions') === 'true'), query.getAll('include'))));
};

const listCheckIns = (event: SimulatedEvent, request: FastifyRequest): object => {
  const query = queryOf(request);
  const from = since(query, 'created_since');
  const chosen = event.checkIns.filter(
    (each) =>
      (from === null || micros(each.created) >= from) &&
      (!query.has('successful') || String(each.successful) === query.get('successful')) &&
      (!query.has('error_reason') || each.error_reason === query.get('error_reason')) &&
      (!query.has('list') || String(each.list) === query.get('list')) &&
      (!query.has('type') || each.type === query.get('type')),
  );
  return paged(request, ordered(chosen, query.get('ordering') ?? 'created', { created: ({ created }) => micros(created), datetime: ({ datetime }) => micros(datetime), id: ({ id }) => id }).map(tellCheckIn));
};

export const readRoutes = (app: FastifyInstance, world: World, webhooks: Webhooks): void => {
  const generated = (reply: FastifyReply) => void reply.header('x-page-generated', world.stamp());
  const all = () => [...world.events.values()];
  const inEvent = '/api/v1/organizers/:organizer/events/:event';
  const listOf = (request: FastifyRequest) => found(eventOf(world, request).lists.find(({ id }) => String(id) === (request.params as { list: string }).list), 'CheckinList');

  app.get('/api/v1/organizers/:organizer/', () => ({ name: world.organizer.name, slug: world.organizer.slug, public_url: null, plugins: [] }));
  app.get('/api/v1/organizers/:organizer/events/', (request) => paged(request, ordered(all(), queryOf(request).get('ordering') ?? 'date_from', { slug: ({ plan }) => plan.slug, date_from: ({ plan }) => plan.start.getTime() }).map((event) => tellEvent(world, event))));
  app.get(`${inEvent}/`, (request) => tellEvent(world, eventOf(world, request)));
  const listSubevents = (events: readonly SimulatedEvent[], request: FastifyRequest, reply: FastifyReply): object => {
    generated(reply);
    const from = since(queryOf(request), 'modified_since');
    return paged(request, events.flatMap((event) => event.subevents.filter(({ last_modified }) => from === null || micros(last_modified) >= from).map((each) => tellSubevent(world, event, each))));
  };
  app.get('/api/v1/organizers/:organizer/subevents/', (request, reply) => listSubevents(all(), request, reply));
  app.get(`${inEvent}/subevents/`, (request, reply) => listSubevents([eventOf(world, request)], request, reply));
  app.get('/api/v1/organizers/:organizer/orders/', (request, reply) => (generated(reply), listOrders(all().flatMap(({ orders }) => orders), request)));
  app.get(`${inEvent}/orders/`, (request, reply) => (generated(reply), listOrders(eventOf(world, request).orders, request)));
  app.get(`${inEvent}/orders/:code/`, (request) => {
    const query = queryOf(request);
    const order = found(eventOf(world, request).orders.find(({ code }) => code === (request.params as { code: string }).code), 'Order');
    return including(tellOrder(order, query.get('include_canceled_positions') === 'true'), query.getAll('include'));
  });
  app.get(`${inEvent}/checkins/`, (request) => listCheckIns(eventOf(world, request), request));
  app.get(`${inEvent}/items/`, (request) => paged(request, eventOf(world, request).items.map(tellItem)));
  app.get(`${inEvent}/quotas/`, (request) => {
    const event = eventOf(world, request);
    return paged(request, event.quotas.map((quota) => tellQuota(event, quota, queryOf(request).get('with_availability') === 'true')));
  });
  app.get(`${inEvent}/checkinlists/`, (request) => paged(request, eventOf(world, request).lists.map(tellList)));
  app.get(`${inEvent}/checkinlists/:list/`, (request) => tellList(listOf(request)));
  app.get(`${inEvent}/checkinlists/:list/status/`, (request) => tellStatus(listOf(request)));
  app.get('/api/v1/organizers/:organizer/webhooks/', (request) => paged(request, webhooks.all));
};
