/** Domain events → work: one job for each handler of a batch, and each event acted on once. */
import { z } from 'zod';
import type { EntityManager } from '#core/database.ts';
import type { DomainEvent, DomainEventType } from '#core/domain-events.ts';
import { findEvent } from '#core/event-log.ts';
import { enqueue } from '#core/jobs.ts';
import { query } from '#core/sql.ts';
import type { AnySubgraph, Hub } from '#core/subgraph.ts';
import type { Ingest } from './ingest.ts';

export const handleTask = 'ingest.handle';
const eventsPerJob = 100;

const payloadSchema = z.object({ subgraph: z.string(), events: z.array(z.object({ id: z.string(), cursor: z.string() })) });

/** Promises, in the batch's transaction, that every handler of these events will run. */
export const enqueueHandlers = async (ingest: Ingest, em: EntityManager, events: readonly DomainEvent[]): Promise<void> => {
  for (const subgraph of ingest.subgraphs) {
    const wanted = events.filter(({ type }) => subgraph.on?.[type]);
    for (let start = 0; start < wanted.length; start += eventsPerJob) {
      const slice = wanted.slice(start, start + eventsPerJob).map(({ id, cursor }) => ({ id, cursor }));
      await enqueue(em, handleTask, { subgraph: subgraph.name, events: slice });
    }
  }
};

export const createHandleTask = (hub: Hub, subgraphs: readonly AnySubgraph[]) => async (payload: unknown): Promise<void> => {
  const job = payloadSchema.parse(payload);
  const subgraph = subgraphs.find(({ name }) => name === job.subgraph);
  if (!subgraph) throw new Error(`no subgraph ${job.subgraph} to handle its events`);
  for (const { id, cursor } of job.events) await handleOnce(hub, subgraph, id, cursor);
};

/** The handler's writes and the note that it ran commit together: a job that is tried again does not act again. */
const handleOnce = (hub: Hub, subgraph: AnySubgraph, id: string, cursor: string): Promise<void> =>
  hub.database.em().transactional(async (em) => {
    const [first] = await query(em, 'insert into hub.handled_events (handler, domain_event_id) values ($1, $2) on conflict do nothing returning handler', [subgraph.name, id]);
    if (!first) return;
    const event = await findEvent(em, cursor);
    if (!event) return;
    const handler = subgraph.on?.[event.type] as ((em: EntityManager, event: DomainEvent<DomainEventType>, hub: Hub) => Promise<void>) | undefined;
    await handler?.(em, event, hub);
  });
