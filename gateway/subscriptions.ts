/**
 * Live operations. Each subscriber has a stream of its own at the subgraph that owns the root field; what follows from
 * an event (the selection there, and the rest of the plan) is run once for all who may share it: see `shared-runs`.
 *
 * The next event is asked for when the subscriber took the last answer, so nothing queues up here: a slow reader's
 * stream holds what its source holds for it, which is the newest value.
 */
import type { GraphQLFormattedError } from 'graphql';
import { EventgraphError } from '#core/errors.ts';
import { type Answer, failure, refusal } from './answer.ts';
import type { DataSource, SourceEvent } from './data-source.ts';
import type { Prepared } from './engine.ts';
import type { EngineHolder, Lease } from './engine-holder.ts';
import { type ReportError, RequestRefused, formatThrown } from './errors.ts';
import { usedVariables } from './execute/fetch.ts';
import { PlainVariables } from './subgraph-variables.ts';
import type { GatewayRequest } from './gateway-request.ts';
import { type Group, type SharedRuns, groupKeyOf } from './shared-runs.ts';
import { subgraphErrors } from './execute/subgraph-errors.ts';

export type Subscriptions = {
  /** Throws RequestRefused when there is nothing to subscribe to. */
  subscribe(request: GatewayRequest): Promise<AsyncIterableIterator<Answer>>;
  /** Ends every live operation. */
  close(): void;
};

/** One opened source, with the engine that it was opened on. */
type Stream = {
  readonly lease: Lease;
  readonly prepared: Prepared;
  readonly dataSource: DataSource;
  readonly source: AsyncIterator<SourceEvent>;
  readonly group: Group;
  pending: Promise<IteratorResult<SourceEvent>> | null;
};

export const createSubscriptions = (holder: EngineHolder, runs: SharedRuns, report?: ReportError): Subscriptions => {
  const ends = new Set<() => void>();
  return {
    async subscribe(request) {
      const abort = new AbortController();
      const open = (lease: Lease, kept?: Stream) => openStream(request, lease, abort.signal, runs, kept);
      const lease = holder.lease();
      try {
        return start({ request, holder, abort, open, report, stream: await open(lease), isEnded: false, wake: null, undo: [] }, ends);
      } catch (error) {
        abort.abort();
        lease.release();
        throw error;
      }
    },
    close() {
      for (const end of [...ends]) end();
    },
  };
};

/** `kept` is the stream before a reload: where the new plan asks the same of the same subgraph, its source goes on. */
const openStream = async (request: GatewayRequest, lease: Lease, signal: AbortSignal, runs: SharedRuns, kept?: Stream): Promise<Stream> => {
  const { engine } = lease;
  const prepared = engine.prepare(engine.operations.find(request.query, request.operationName), request.variables, request.viewer);
  const { primary } = prepared.plan;
  const dataSource = primary && engine.dataSources.get(primary.subgraph);
  if (!primary || !dataSource) throw deniedRoot(prepared);
  const join = (): Group => runs.join(groupKeyOf(lease.id, prepared, request.viewer));
  if (kept && kept.dataSource === dataSource && kept.prepared.plan.primary?.operation.query === primary.operation.query) return { ...kept, lease, prepared, group: join() };
  const source = await dataSource.subscribe({
    operation: primary.operation,
    variables: new PlainVariables(usedVariables(prepared, primary)),
    viewer: request.viewer,
    requestId: request.requestId,
    signal,
  });
  if (!(Symbol.asyncIterator in source)) throw new RequestRefused(subgraphErrors(primary.subgraph, source.errors ?? []));
  return { lease, prepared, dataSource, source: source[Symbol.asyncIterator](), group: join(), pending: null };
};

/** Without its root field, which the viewer may not see, a subscription has no source. */
const deniedRoot = ({ selection }: Prepared): RequestRefused => {
  const denied = selection.forType(selection.type.name).fields[0];
  return new RequestRefused([
    { message: `The key does not allow to see ${denied?.coordinate ?? 'this subscription'}.`, path: denied ? [denied.responseName] : [], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate: denied?.coordinate ?? null } },
  ]);
};

type Live = {
  readonly request: GatewayRequest;
  readonly holder: EngineHolder;
  readonly abort: AbortController;
  readonly open: (lease: Lease, kept: Stream) => Promise<Stream>;
  readonly report: ReportError | undefined;
  stream: Stream;
  isEnded: boolean;
  /** Ends the wait for an event: after a reload, and at the end. */
  wake: (() => void) | null;
  /** What to undo at the end. */
  readonly undo: (() => void)[];
};

const done: IteratorReturnResult<undefined> = { value: undefined, done: true };
/** What ended the wait for an event when it was not an event. */
const woken = Symbol('reloaded or ended');

const start = (live: Live, ends: Set<() => void>): AsyncIterableIterator<Answer> => {
  const { signal } = live.request;
  const end = () => endLive(live);
  ends.add(end);
  signal.addEventListener('abort', end, { once: true });
  live.undo.push(live.holder.onReplaced(() => live.wake?.()), () => ends.delete(end), () => signal.removeEventListener('abort', end));
  return {
    next: () => nextAnswer(live),
    return() {
      end();
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};

const endLive = (live: Live): void => {
  if (live.isEnded) return;
  live.isEnded = true;
  for (const undo of live.undo) undo();
  live.wake?.();
  live.abort.abort();
  leave(live.stream);
  closeSource(live, live.stream);
};

const nextAnswer = async (live: Live): Promise<IteratorResult<Answer>> => {
  if (live.request.signal.aborted) endLive(live);
  try {
    const event = await nextEvent(live);
    if (!event.done && !live.isEnded) return { value: await answer(live, event.value), done: false };
    endLive(live);
    return done;
  } catch (error) {
    if (live.isEnded) return done;
    endLive(live);
    return { value: refusal(errorsOf(live, error)), done: false };
  }
};

const nextEvent = async (live: Live): Promise<IteratorResult<SourceEvent>> => {
  while (!live.isEnded) {
    if (live.stream.lease.engine !== live.holder.current()) {
      await move(live);
      continue;
    }
    const { stream } = live;
    stream.pending ??= stream.source.next();
    const event = await either(stream.pending, (wake) => (live.wake = wake));
    live.wake = null;
    if (event === woken) continue;
    stream.pending = null;
    return event;
  }
  return done;
};

/** What a source throws is told with the name of its subgraph; what ends a subscription here is not. */
const errorsOf = ({ stream, request, report }: Live, error: unknown): readonly GraphQLFormattedError[] => {
  const errors = formatThrown(error, request.requestId, report);
  if (error instanceof EventgraphError && error.code === 'SUBSCRIPTION_ENDED') return errors;
  return errors.map((each) => ({ ...each, extensions: { ...each.extensions, serviceName: stream.prepared.plan.primary?.subgraph } }));
};

/** Not Promise.race with something long-lived, which would keep a reaction of every event. */
const either = <T>(pending: Promise<T>, listen: (wake: () => void) => void): Promise<T | typeof woken> =>
  new Promise((resolve, reject) => {
    listen(() => resolve(woken));
    pending.then(resolve, reject);
  });

const answer = ({ stream, request }: Live, event: SourceEvent): Promise<Answer> => {
  const { lease, prepared, group } = stream;
  return group.run(event.key, async (signal) => {
    const asked = { viewer: request.viewer, requestId: request.requestId, signal };
    try {
      return await lease.engine.run(prepared, asked, await event.execute());
    } catch (error) {
      return failure(formatThrown(error, request.requestId));
    }
  });
};

/** After a reload: plan again, keep the source if it still serves, else open the new one before the old one closes. */
const move = async (live: Live): Promise<void> => {
  const old = live.stream;
  const lease = live.holder.lease();
  try {
    const next = await live.open(lease, old);
    if (live.isEnded) {
      leave(next);
      closeSource(live, next);
      return;
    }
    live.stream = next;
    leave(old);
    if (next.source !== old.source) closeSource(live, old);
  } catch (error) {
    lease.release();
    throw new EventgraphError('SUBSCRIPTION_ENDED', `The schema changed and this subscription is no longer possible: ${error instanceof Error ? error.message : 'unknown'}`);
  }
};

const leave = (stream: Stream): void => {
  stream.group.leave();
  stream.lease.release();
};

/** Not awaited: a source that is written as a generator returns only after the event that it waits for. */
const closeSource = (live: Live, stream: Stream): void => {
  stream.pending?.catch(() => undefined);
  Promise.resolve(stream.source.return?.()).catch((error: unknown) => live.report?.(error, live.request.requestId));
};
