import { defineEntity, p } from '@mikro-orm/core';
import type { OrderPosition, OrderStatusLetter, Variation } from './domain.ts';

const EventSchema = defineEntity({
  name: 'PretixEventRow',
  schema: 'pretix',
  tableName: 'events',
  properties: {
    eventId: p.string().primary(),
    serviceId: p.string(),
    organizer: p.string(),
    slug: p.string(),
    /** Number of the date in a series. */
    subevent: p.integer().nullable(),
    currency: p.string(),
    live: p.boolean(),
    testmode: p.boolean(),
  },
});

const ProductSchema = defineEntity({
  name: 'PretixProductRow',
  schema: 'pretix',
  tableName: 'products',
  properties: {
    serviceId: p.string().primary(),
    slug: p.string().primary(),
    id: p.string().primary(),
    name: p.string(),
    active: p.boolean(),
    admission: p.boolean(),
    price: p.string(),
    variations: p.json<Variation[]>(),
  },
});

const QuotaSchema = defineEntity({
  name: 'PretixQuotaRow',
  schema: 'pretix',
  tableName: 'quotas',
  properties: {
    serviceId: p.string().primary(),
    slug: p.string().primary(),
    id: p.string().primary(),
    subevent: p.integer().nullable(),
    name: p.string(),
    size: p.integer().nullable(),
    availableNumber: p.integer().nullable(),
    closed: p.boolean(),
    products: p.json<number[]>(),
  },
});

const ListSchema = defineEntity({
  name: 'PretixCheckInListRow',
  schema: 'pretix',
  tableName: 'check_in_lists',
  properties: {
    serviceId: p.string().primary(),
    slug: p.string().primary(),
    id: p.string().primary(),
    subevent: p.integer().nullable(),
    name: p.string(),
    allProducts: p.boolean(),
    products: p.json<number[]>(),
    includePending: p.boolean(),
    positionCount: p.integer(),
    checkInCount: p.integer(),
    insideCount: p.integer().nullable(),
    updatedAt: p.datetime(),
  },
});

const OrderSchema = defineEntity({
  name: 'PretixOrderRow',
  schema: 'pretix',
  tableName: 'orders',
  properties: {
    eventId: p.string().primary(),
    code: p.string().primary(),
    serviceId: p.string(),
    status: p.string().$type<OrderStatusLetter>(),
    placedAt: p.datetime(),
    total: p.string(),
    testmode: p.boolean(),
    salesChannel: p.string(),
    positions: p.json<OrderPosition[]>(),
    updatedAt: p.datetime(),
  },
});

export class PretixEventRow extends EventSchema.class {}
EventSchema.setClass(PretixEventRow);
export class PretixProductRow extends ProductSchema.class {}
ProductSchema.setClass(PretixProductRow);
export class PretixQuotaRow extends QuotaSchema.class {}
QuotaSchema.setClass(PretixQuotaRow);
export class PretixCheckInListRow extends ListSchema.class {}
ListSchema.setClass(PretixCheckInListRow);
export class PretixOrderRow extends OrderSchema.class {}
OrderSchema.setClass(PretixOrderRow);

export const entities = [EventSchema, ProductSchema, QuotaSchema, ListSchema, OrderSchema];
