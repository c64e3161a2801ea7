import { defineEntity, p } from '@mikro-orm/core';
import type { GateStatus } from '#core/facts.ts';

const GateSchema = defineEntity({
  name: 'GateRow',
  schema: 'gatekeeper',
  tableName: 'gates',
  properties: {
    eventId: p.string().primary(),
    gateId: p.string().primary(),
    name: p.string(),
    status: p.string().$type<GateStatus>(),
    /** Check-ins per minute. */
    throughput: p.double(),
    updatedAt: p.datetime(),
  },
});

export class GateRow extends GateSchema.class {}
GateSchema.setClass(GateRow);

export const entities = [GateSchema];
