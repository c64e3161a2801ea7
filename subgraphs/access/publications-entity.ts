import { defineEntity, p } from '@mikro-orm/core';
import type { PublishedOperation as Operation } from '#core/published-operations.ts';

export const PublishedOperationSchema = defineEntity({
  name: 'PublishedOperation',
  schema: 'access',
  tableName: 'published_operations',
  properties: {
    /** Name of the client, as its keys have it. */
    client: p.string().primary(),
    id: p.string().primary(),
    name: p.string(),
    type: p.string().$type<Operation['type']>(),
    body: p.text(),
    publishedAt: p.datetime(),
    publishedBy: p.string().nullable(),
  },
});

export class PublishedOperation extends PublishedOperationSchema.class {}
PublishedOperationSchema.setClass(PublishedOperation);
