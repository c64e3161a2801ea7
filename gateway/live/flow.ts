/**
 * A source and those who read it.
 *
 * Whoever subscribes begins with a flow of its own, as the current values or what was missed are its own. When two
 * flows of one meeting stand at the same event, what follows is the same for both, and they become one (`meetings.ts`).
 * A member that is still busy with the last event when the next one comes leaves, and goes on behind its last event
 * with a flow of its own when it is ready: nobody waits for it, and its source brings it the newest values.
 *
 * Changes that the source has at hand at the same time are executed together (`executed-event.ts`) and told one by one.
 */
import type { Tracer } from '@opentelemetry/api';
import { EventgraphError } from '#core/errors.ts';
import { type Answer, refusal } from '../answer.ts';
import type { SourceEvent, SourceEvents } from '../sources/data-source.ts';
import type { EngineHolder } from '../engine-holder.ts';
import { type ReportError, formatThrown } from '../errors.ts';
import type { GatewayRequest } from '../gateway-request.ts';
import type { GatewayCounts } from '../observe/counts.ts';
import { type ExecutedEvent, executeEvents, isStale } from './executed-event.ts';
import { type LivePlan, continueSource, planLive } from './live-source.ts';
import { type Meeting, type Meetings } from './meetings.ts';
import type { Reader } from './reader.ts';
import type { Group, SharedRuns } from './shared-runs.ts';

export type FlowWorld = {
  readonly holder: EngineHolder;
  readonly runs: SharedRuns;
  readonly meetings: Meetings;
  readonly report: ReportError | undefined;
  readonly counts: GatewayCounts;
  readonly tracer: Tracer | undefined;
};

/** So many changes are executed together at most; the source keeps the rest. */
const mostTogether = 100;

/** What ended the wait for an event when it was not an event. */
const woken = Symbol('reloaded or ended');

export class Flow {
  readonly members = new Set<Reader>();
  /** The last event that its members were told of. */
  last: SourceEvent | null;
  isClosed = false;
  isPumping = false;
  readonly #world: FlowWorld;
  /** Of the one who opened it; the others have the same rights. */
  readonly #request: GatewayRequest;
  readonly #abort: AbortController;
  #plan: LivePlan;
  #source: SourceEvents;
  #group: Group;
  #meeting: Meeting;
  #ready = 0;
  /** Executed together with the last event, and not told yet. */
  #ahead: ExecutedEvent[] = [];
  #pending: Promise<IteratorResult<SourceEvent>> | null = null;
  #wake: (() => void) | null = null;

  constructor(world: FlowWorld, plan: LivePlan, source: SourceEvents, reader: Reader, abort: AbortController) {
    this.#world = world;
    this.#request = reader.request;
    this.#abort = abort;
    this.#plan = plan;
    this.#source = source;
    this.last = reader.last;
    this.#group = world.runs.join(plan.groupKey);
    this.#meeting = world.meetings.enter(plan.meetingKey, this);
    this.#add(reader);
  }

  /** A member that was not ready is. */
  memberReady(): void {
    this.#ready++;
    this.read();
  }

  /** Reads on as long as somebody is ready for what comes. */
  read(): void {
    if (!this.isPumping && this.#ready > 0) void this.#pump();
  }

  remove(reader: Reader): void {
    if (!this.members.delete(reader)) return;
    if (reader.isReady) this.#ready--;
    if (this.members.size === 0) this.close();
  }

  /** Its members go on with another flow, which stands at the same event. */
  joinInto(other: Flow): void {
    for (const reader of this.members) other.#add(reader);
    this.members.clear();
    this.close();
    other.read();
  }

  /** After a reload: at once where it waits for an event, otherwise before the next one. */
  reloaded(): void {
    this.#wake?.();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#meeting.leave(this);
    this.#wake?.();
    this.#abort.abort();
    this.#group.leave();
    this.#plan.lease.release();
    this.#closeSource();
  }

  #add(reader: Reader): void {
    this.members.add(reader);
    reader.flow = this;
    if (reader.isReady) this.#ready++;
  }

  async #pump(): Promise<void> {
    this.isPumping = true;
    try {
      while (!this.isClosed && this.#ready > 0) {
        if (!(await this.#look())) continue;
        const next = this.#ahead.shift();
        if (!next) return this.#end(null);
        const answer = await next.answer;
        if (!this.isClosed) this.#deliver(next.event, answer);
      }
    } catch (error) {
      if (!this.isClosed) this.#end(refusal(this.#errorsOf(error)));
    } finally {
      this.isPumping = false;
    }
  }

  /** Until there is an event ahead, or the source has none any more; false where that was interrupted. */
  async #look(): Promise<boolean> {
    if (this.#plan.lease.engine !== this.#world.holder.current()) this.#move();
    const [first] = this.#ahead;
    if (first) {
      if (isStale(first)) this.#execute(this.#ahead.map(({ event }) => event));
      // Who takes what was sent last at once shall not be left behind.
      if (this.#ready < this.members.size) await nextTurn();
      return !this.isClosed;
    }
    const next = await this.#nextEvent();
    if (next === woken) return false;
    if (!next.done) this.#execute([next.value, ...(this.#source.atHand?.(mostTogether - 1) ?? [])]);
    return true;
  }

  async #nextEvent(): Promise<IteratorResult<SourceEvent> | typeof woken> {
    this.#pending ??= this.#source.next();
    const event = await either(this.#pending, (wake) => (this.#wake = wake));
    this.#wake = null;
    if (event !== woken) this.#pending = null;
    return event;
  }

  #execute(events: readonly SourceEvent[]): void {
    const { counts, tracer } = this.#world;
    this.#ahead = executeEvents({ plan: this.#plan, group: this.#group, request: this.#request, counts, tracer }, events);
  }

  #deliver(event: SourceEvent, answer: Answer): void {
    this.last = event;
    for (const reader of this.members) {
      if (reader.isReady) reader.take(event, answer);
      else this.#leaveBehind(reader);
    }
    this.#ready = 0;
    for (const reader of this.members) if (reader.isReady) this.#ready++;
    if (this.members.size === 0) this.close();
    else this.#meeting.told(this);
  }

  #leaveBehind(reader: Reader): void {
    this.members.delete(reader);
    reader.flow = null;
  }

  /** Plans again and keeps the source if it still serves; else goes on behind the last event, if that can be. */
  #move(): void {
    const { holder, runs, meetings, report } = this.#world;
    const lease = holder.lease();
    try {
      const plan = planLive(this.#request, lease);
      const old = this.#plan;
      const isSame = plan.dataSource === old.dataSource && plan.primary.operation.query === old.primary.operation.query;
      const source = isSame ? this.#source : continueSource(plan, this.#request, this.#abort.signal, plan.dataSource === old.dataSource ? this.last : null);
      if (!isSame) this.#closeSource();
      this.#source = source;
      this.#plan = plan;
      const group = runs.join(plan.groupKey);
      this.#group.leave();
      this.#group = group;
      this.#meeting.leave(this);
      this.#meeting = meetings.enter(plan.meetingKey, this);
      old.lease.release();
      this.#execute(isSame ? this.#ahead.map(({ event }) => event) : []);
    } catch (error) {
      lease.release();
      if (!(error instanceof EventgraphError)) report?.(error, this.#request.requestId);
      throw new EventgraphError('SUBSCRIPTION_ENDED', `The schema changed and this subscription is no longer possible: ${error instanceof EventgraphError ? error.message : 'it could not be planned.'}`);
    }
  }

  #end(answer: Answer | null): void {
    for (const reader of [...this.members]) reader.finish(answer);
    this.close();
  }

  /** What a source throws is told with the name of its subgraph; what ends a subscription here is not. */
  #errorsOf(error: unknown): ReturnType<typeof formatThrown> {
    const errors = formatThrown(error, this.#request.requestId, this.#world.report);
    if (error instanceof EventgraphError && error.code === 'SUBSCRIPTION_ENDED') return errors;
    return errors.map((each) => ({ ...each, extensions: { ...each.extensions, serviceName: this.#plan.primary.subgraph } }));
  }

  /** Not awaited: a source that is written as a generator returns only after the event that it waits for. */
  #closeSource(): void {
    this.#pending?.catch(() => undefined);
    this.#pending = null;
    Promise.resolve(this.#source.return?.()).catch((error: unknown) => this.#world.report?.(error, this.#request.requestId));
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Not Promise.race with something long-lived, which would keep a reaction of every event. */
const either = <T>(pending: Promise<T>, listen: (wake: () => void) => void): Promise<T | typeof woken> =>
  new Promise((resolve, reject) => {
    listen(() => resolve(woken));
    pending.then(resolve, reject);
  });

