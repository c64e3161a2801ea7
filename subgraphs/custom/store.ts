/** Reads of attributes: one statement a request, however many events it asks for. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import { type Attributes, joinAttributes } from './domain.ts';
import { AttributesRow } from './entities.ts';

export type Loaders = {
  /** What was told of an event; null where nothing was. */
  readonly attributes: DataLoader<string, Attributes | null>;
};

export const createLoaders = (em: EntityManager): Loaders => ({
  attributes: new DataLoader(async (eventIds) => {
    const rows = Map.groupBy(await em.find(AttributesRow, { eventId: { $in: [...eventIds] } }), ({ eventId }) => eventId);
    return eventIds.map((id) => joinAttributes(rows.get(id) ?? []));
  }),
});
