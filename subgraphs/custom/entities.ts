import { defineEntity, p } from '@mikro-orm/core';

const AttributesSchema = defineEntity({
  name: 'AttributesRow',
  schema: 'custom',
  tableName: 'attributes',
  properties: {
    eventId: p.string().primary(),
    /** Which of the service's resources told them. */
    resource: p.string().primary(),
    data: p.json<Record<string, unknown>>(),
    updatedAt: p.datetime(),
  },
});

export class AttributesRow extends AttributesSchema.class {}
AttributesSchema.setClass(AttributesRow);

export const entities = [AttributesSchema];
