/** Reads of gates: one statement a request, however many events it asks for. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import { GateRow } from './entities.ts';

export type Loaders = {
  /** The gates of an event, by id. */
  readonly gates: DataLoader<string, GateRow[]>;
};

export const createLoaders = (em: EntityManager): Loaders => ({
  gates: new DataLoader(async (eventIds) => {
    const rows = Map.groupBy(await em.find(GateRow, { eventId: { $in: [...eventIds] } }, { orderBy: { eventId: 'asc', gateId: 'asc' } }), ({ eventId }) => eventId);
    return eventIds.map((id) => rows.get(id) ?? []);
  }),
});
