/**
 * Glossary (Eventbrite's words)
 * - organization: the account that events belong to; one registered service is one organization.
 * - attendee: one sold ticket. ticket class: what it is a ticket of.
 * - series: an event that takes place several times; each date is an event of the hub, the series is none.
 *
 * This file holds what `eventbrite.*` records carry from the connector to the tables: no personal data.
 */
import { z } from 'zod';

/** Eventbrite's own word on where an event stands. */
export const stages = { draft: 'DRAFT', live: 'LIVE', started: 'STARTED', ended: 'ENDED', completed: 'COMPLETED', canceled: 'CANCELED' } as const;
export type Stage = (typeof stages)[keyof typeof stages];

/** Null for a word that Eventbrite learned since. */
export const stageOf = (word: string): Stage | null => (Object.hasOwn(stages, word) ? stages[word as keyof typeof stages] : null);

const count = z.number().int().nullable();

export const eventRecord = z.object({
  organization: z.string(),
  url: z.string().nullable(),
  status: z.string(),
  currency: z.string(),
  online: z.boolean(),
  capacity: count,
  category: z.string().nullable(),
  format: z.string().nullable(),
  soldOut: z.boolean().nullable(),
});

export const ticketClass = z.object({
  id: z.string(),
  name: z.string(),
  free: z.boolean(),
  donation: z.boolean(),
  hidden: z.boolean(),
  cost: z.object({ amount: z.string(), currency: z.string() }).nullable(),
  quantityTotal: count,
  quantitySold: count,
  onSaleStatus: z.string().nullable(),
});
export type TicketClass = z.infer<typeof ticketClass>;

export const ticketClassesRecord = z.object({ classes: z.array(ticketClass) });

/** Tickets sold of all classes together, by Eventbrite's own count; null where it did not tell one of them. */
export const ticketsSold = (classes: readonly TicketClass[]): number | null =>
  classes.reduce<number | null>((sum, { quantitySold }) => (sum === null || quantitySold === null ? null : sum + quantitySold), 0);
