import { defineEntity, p } from '@mikro-orm/core';
import type { TicketClass } from './domain.ts';

const EventSchema = defineEntity({
  name: 'EventbriteEventRow',
  schema: 'eventbrite',
  tableName: 'events',
  properties: {
    eventId: p.string().primary(),
    serviceId: p.string(),
    organization: p.string(),
    /** Eventbrite's number of the event. */
    number: p.string(),
    url: p.string().nullable(),
    status: p.string(),
    currency: p.string(),
    online: p.boolean(),
    capacity: p.integer().nullable(),
    category: p.string().nullable(),
    format: p.string().nullable(),
    soldOut: p.boolean().nullable(),
  },
});

const TicketClassesSchema = defineEntity({
  name: 'EventbriteTicketClassesRow',
  schema: 'eventbrite',
  tableName: 'ticket_classes',
  properties: {
    eventId: p.string().primary(),
    serviceId: p.string(),
    classes: p.json<TicketClass[]>(),
    updatedAt: p.datetime(),
  },
});

export class EventbriteEventRow extends EventSchema.class {}
EventSchema.setClass(EventbriteEventRow);
export class EventbriteTicketClassesRow extends TicketClassesSchema.class {}
TicketClassesSchema.setClass(EventbriteTicketClassesRow);

export const entities = [EventSchema, TicketClassesSchema];
