/** Reads of what Eventbrite told. One statement a request for each kind of thing, however many events it asks for. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import { EventbriteEventRow, EventbriteTicketClassesRow } from './entities.ts';

export type Loaders = {
  readonly events: DataLoader<string, EventbriteEventRow | null>;
  readonly ticketClasses: DataLoader<string, EventbriteTicketClassesRow | null>;
};

export const createLoaders = (em: EntityManager): Loaders => ({
  events: new DataLoader(async (ids) => inOrder(ids, await em.find(EventbriteEventRow, { eventId: { $in: [...ids] } }))),
  ticketClasses: new DataLoader(async (ids) => inOrder(ids, await em.find(EventbriteTicketClassesRow, { eventId: { $in: [...ids] } }))),
});

const inOrder = <Row extends { readonly eventId: string }>(ids: readonly string[], rows: readonly Row[]): (Row | null)[] => {
  const byId = new Map(rows.map((row) => [row.eventId, row]));
  return ids.map((id) => byId.get(id) ?? null);
};
