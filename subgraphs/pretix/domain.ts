/**
 * Glossary (pretix's words)
 * - organizer: the account that events belong to; one registered service is one organizer.
 * - event series, date: an event that takes place several times; each date (pretix: sub-event) is an event of the hub,
 *   the series is none. What all dates share is kept by the series' slug.
 * - product (pretix: item): a ticket or thing that is sold. position: one of it in an order.
 * - quota: how many of some products can be sold.
 * - check-in list: what tickets are scanned for; the `area` of a check-in.
 *
 * This file holds what `pretix.*` records carry from the connector to the tables: no personal data.
 */
import { z } from 'zod';

export const orderStatuses = { n: 'PENDING', p: 'PAID', e: 'EXPIRED', c: 'CANCELED' } as const;
export type OrderStatusLetter = keyof typeof orderStatuses;

const number = z.number().int();
const amount = z.string().regex(/^-?\d+(\.\d+)?$/);

export const eventRecord = z.object({ organizer: z.string(), slug: z.string(), subevent: number.nullable(), currency: z.string(), live: z.boolean(), testmode: z.boolean() });
export const offerRecord = z.object({ slug: z.string(), products: z.array(z.string()), quotas: z.array(z.string()), lists: z.array(z.string()) });
export const variation = z.object({ id: number, name: z.string().nullable(), active: z.boolean(), price: amount.nullable() });
export const productRecord = z.object({ slug: z.string(), name: z.string().nullable(), active: z.boolean(), admission: z.boolean(), price: amount, variations: z.array(variation) });
export const quotaRecord = z.object({ slug: z.string(), name: z.string(), size: number.nullable(), subevent: number.nullable(), products: z.array(number), closed: z.boolean(), availableNumber: number.nullable() });
export const listRecord = z.object({ slug: z.string(), name: z.string(), subevent: number.nullable(), allProducts: z.boolean(), products: z.array(number), includePending: z.boolean(), checkInCount: number, positionCount: number, insideCount: number.nullable() });
export const position = z.object({ id: number, number, product: number, variation: number.nullable(), price: amount, state: z.enum(['CONFIRMED', 'PENDING', 'CANCELLED']), participant: z.string() });
export const orderRecord = z.object({ status: z.enum(['n', 'p', 'e', 'c']), testmode: z.boolean(), placedAt: z.iso.datetime(), total: amount, salesChannel: z.string(), events: z.array(z.string()), positions: z.array(position) });

export type Variation = z.infer<typeof variation>;
export type OrderPosition = z.infer<typeof position>;
