/**
 * Live operations. Subscribers with the same operation, variables and rights share one source (`flow.ts`), and one
 * execution for each of its events even before they do (`shared-runs.ts`).
 *
 * Nothing queues up here: the next event is asked for when somebody is ready for it, and who is not leaves the others.
 */
import { EventgraphError } from '#core/errors.ts';
import { refusal } from '../answer.ts';
import { formatThrown } from '../errors.ts';
import { Flow, type FlowWorld } from './flow.ts';
import type { GatewayRequest } from '../gateway-request.ts';
import { continueSource, openSource, planLive } from './live-source.ts';
import { createMeetings } from './meetings.ts';
import { type Answers, Reader } from './reader.ts';

export type Subscriptions = {
  /** How many are open. */
  readonly size: number;
  /** Throws RequestRefused when there is nothing to subscribe to. */
  subscribe(request: GatewayRequest): Promise<Answers>;
  /** Ends every live operation. */
  close(): void;
};

export const createSubscriptions = (parts: Omit<FlowWorld, 'meetings'>): Subscriptions => {
  const { holder, counts } = parts;
  const world: FlowWorld = { ...parts, meetings: createMeetings() };
  const readers = new Set<Reader>();
  const options = { catchUp: (reader: Reader) => catchUp(world, reader), ended: (reader: Reader) => void readers.delete(reader), delivered: () => void counts.eventsDelivered++ };
  holder.onReplaced(() => {
    for (const flow of new Set([...readers].map((reader) => reader.flow))) flow?.reloaded();
  });
  return {
    get size() {
      return readers.size;
    },
    async subscribe(request) {
      const abort = new AbortController();
      const lease = holder.lease();
      try {
        const plan = planLive(request, lease);
        const source = await openSource(plan, request, abort.signal);
        const reader = new Reader(request, options);
        const flow = new Flow(world, plan, source, reader, abort);
        if (reader.isEnded) flow.close();
        else readers.add(reader);
        return reader;
      } catch (error) {
        abort.abort();
        lease.release();
        throw error;
      }
    },
    close() {
      for (const reader of [...readers]) reader.finish(null);
    },
  };
};

/** A reader that fell behind is ready again: a source of its own takes it on from its last event. */
const catchUp = (world: FlowWorld, reader: Reader): void => {
  const abort = new AbortController();
  const lease = world.holder.lease();
  try {
    const plan = planLive(reader.request, lease);
    const source = continueSource(plan, reader.request, abort.signal, reader.last);
    new Flow(world, plan, source, reader, abort).read();
  } catch (error) {
    lease.release();
    const ended = error instanceof EventgraphError ? new EventgraphError('SUBSCRIPTION_ENDED', error.message) : error;
    reader.finish(refusal(formatThrown(ended, reader.request.requestId, world.report)));
  }
};
