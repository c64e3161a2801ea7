import { defineEntity, p } from '@mikro-orm/core';
import type { EventStatus } from './domain.ts';

const EventSchema = defineEntity({
  name: 'EventRow',
  schema: 'events',
  tableName: 'events',
  properties: {
    id: p.string().primary(),
    /** `GateEvent`, `PretixEvent`: the GraphQL type. */
    product: p.string(),
    serviceId: p.string(),
    upstreamId: p.string(),
    name: p.string(),
    type: p.string().nullable(),
    status: p.string().$type<EventStatus>(),
    toldStatus: p.string().$type<EventStatus>().nullable(),
    startsAt: p.datetime(),
    endsAt: p.datetime().nullable(),
    timezone: p.string(),
    /** Its programme's; without one the service's word, or else the registration's. */
    region: p.string().nullable(),
    programmeId: p.string().nullable(),
    organizer: p.string().nullable(),
    venueName: p.string().nullable(),
    venueAddress: p.string().nullable(),
    latitude: p.double().nullable(),
    longitude: p.double().nullable(),
    /** Anyone may see it. */
    public: p.boolean(),
    updatedAt: p.datetime(),
  },
});

export class EventRow extends EventSchema.class {}
EventSchema.setClass(EventRow);

export const entities = [EventSchema];
