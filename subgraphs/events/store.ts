/** Reads of events and services. Every look-up by id goes through a DataLoader: one statement a request, not a row. */
import DataLoader from 'dataloader';
import type { FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '#core/database.ts';
import { InputError } from '#core/errors.ts';
import { inOrder } from '#core/loaders.ts';
import { type Connection, type Key, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import type { Viewer } from '#core/viewer.ts';
import { EventRow } from './entities.ts';
import { type RejectedLoaders, createRejectedLoaders } from './rejected-store.ts';
import type { EventFilter, EventOrder } from './generated/types.ts';
import { type ProgrammeLoaders, createProgrammeLoaders } from './programmes-store.ts';
import { visibleTo } from './visible.ts';

export type Loaders = RejectedLoaders & {
  /** Null for events that are not there or not visible to the viewer. */
  readonly event: DataLoader<string, EventRow | null>;
  readonly service: DataLoader<string, Service | null>;
  /** How many of the events that a service brought the viewer's key allows. */
  readonly reach: DataLoader<string, Reach>;
} & ProgrammeLoaders;

export type Reach = 'none' | 'some' | 'all';

export const createLoaders = (em: EntityManager, viewer: Viewer): Loaders => ({
  ...createRejectedLoaders(em),
  event: new DataLoader(async (ids) => {
    const rows = await em.find(EventRow, { $and: [{ id: { $in: [...ids] } }, visibleTo(viewer)] });
    return inOrder(ids, rows);
  }),
  service: new DataLoader(async (ids) => inOrder(ids, await em.find(Service, { id: { $in: [...ids] } }))),
  reach: new DataLoader((ids) => reachOf(em, viewer, ids)),
  ...createProgrammeLoaders(em, viewer),
});

type Order = { readonly column: 'startsAt' | 'name'; readonly direction: 'asc' | 'desc'; readonly keyOf: (row: EventRow) => Key; readonly parse: (value: string | number) => string | Date };

const parseName = (value: string | number): string => {
  if (typeof value !== 'string') throw new InputError('CURSOR_INVALID', 'after', 'This is not a cursor of this list in this order.');
  return value;
};
const byStart = { column: 'startsAt', keyOf: (row: EventRow) => [row.startsAt.toISOString(), row.id], parse: momentOf } as const;
const orders = {
  START_ASC: { ...byStart, direction: 'asc' },
  START_DESC: { ...byStart, direction: 'desc' },
  NAME_ASC: { column: 'name', direction: 'asc', keyOf: (row: EventRow) => [row.name, row.id], parse: parseName },
} as const satisfies Record<EventOrder, Order>;

export const listEvents = async (em: EntityManager, viewer: Viewer, args: PageArguments & { filter?: EventFilter | null; orderBy?: EventOrder | null }): Promise<Connection<EventRow>> => {
  const page = pageOf(args, 2);
  const order: Order = orders[args.orderBy ?? 'START_DESC'];
  const where: FilterQuery<EventRow> = { $and: [visibleTo(viewer), conditionsOf(args.filter ?? {})] };
  const behind = page.after ? behindKey(order, page.after) : {};
  const rows = await em.find(EventRow, { $and: [where, behind] }, { orderBy: { [order.column]: order.direction, id: order.direction }, limit: page.size + 1 });
  return connectionOf(rows, page, order.keyOf, () => em.count(EventRow, where));
};

const conditionsOf = (filter: EventFilter): FilterQuery<EventRow> => ({
  ...(filter.ids && { id: { $in: [...filter.ids] } }),
  ...(filter.status && { status: filter.status }),
  ...(filter.region && { region: filter.region }),
  ...(filter.type && { type: filter.type }),
  ...(filter.serviceId && { serviceId: filter.serviceId }),
  ...((filter.startsFrom || filter.startsBefore) && { startsAt: { ...(filter.startsFrom && { $gte: filter.startsFrom }), ...(filter.startsBefore && { $lt: filter.startsBefore }) } }),
});

const behindKey = (order: Order, [value, id]: Key): FilterQuery<EventRow> => {
  const operator = order.direction === 'asc' ? '$gt' : '$lt';
  const column = order.parse(value ?? '');
  return { $or: [{ [order.column]: { [operator]: column } }, { [order.column]: column, id: { [operator]: String(id) } }] };
};

/** A key with an event list sees the services that brought at least one of its events. */
const servicesFor = async (em: EntityManager, { events }: Viewer): Promise<FilterQuery<Service>> => {
  if (events === 'all') return {};
  const rows = await query<{ service_id: string }>(em, 'select distinct service_id from hub.event_ids where event_id = any($1::text[])', [[...events]]);
  return { id: { $in: rows.map((row) => row.service_id) } };
};

/** Null for services that are not there or not for the viewer. */
export const findService = async (em: EntityManager, viewer: Viewer, id: string): Promise<Service | null> => em.findOne(Service, { $and: [{ id }, await servicesFor(em, viewer)] });

/** Of a service without events nothing is allowed to a key with an event list. */
const reachOf = async (em: EntityManager, { events }: Viewer, serviceIds: readonly string[]): Promise<Reach[]> => {
  if (events === 'all') return serviceIds.map(() => 'all');
  const rows = await query<{ service_id: string; all: boolean; some: boolean }>(em, 'select service_id, bool_and(event_id = any($2::text[])) as all, bool_or(event_id = any($2::text[])) as some from hub.event_ids where service_id = any($1::text[]) group by service_id', [[...serviceIds], [...events]]);
  const known = new Map(rows.map(({ service_id, all, some }) => [service_id, all ? 'all' : some ? 'some' : 'none'] as const));
  return serviceIds.map((id) => known.get(id) ?? 'none');
};

/** Throws an InputError unless the service is one that the viewer may change: it may see every event that the service brought. Whether there is one of which it may see none is not said. */
export const assertAdministers = async (loaders: Loaders, serviceId: string): Promise<Service> => {
  const [service, reach] = await Promise.all([loaders.service.load(serviceId), loaders.reach.load(serviceId)]);
  if (!service || reach === 'none') throw new InputError('SERVICE_UNKNOWN', 'input.serviceId', 'There is no such service.');
  if (reach === 'some') throw new InputError('SERVICE_NOT_ALLOWED', 'input.serviceId', 'The service also has events that the key does not allow: a key that allows all of them is needed.');
  return service;
};

export const listServices = async (em: EntityManager, viewer: Viewer, args: PageArguments): Promise<Connection<Service>> => {
  const page = pageOf(args, 2);
  const behind: FilterQuery<Service> = page.after ? { $or: [{ createdAt: { $lt: momentOf(page.after[0]) } }, { createdAt: momentOf(page.after[0]), id: { $lt: String(page.after[1]) } }] } : {};
  const where = await servicesFor(em, viewer);
  const rows = await em.find(Service, { $and: [where, behind] }, { orderBy: { createdAt: 'desc', id: 'desc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [row.createdAt.toISOString(), row.id], () => em.count(Service, where));
};
