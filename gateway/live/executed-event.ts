/** Events of a source, answered with everything that other subgraphs add. */
import type { Tracer } from '@opentelemetry/api';
import { type Answer, failure } from '../answer.ts';
import { formatThrown } from '../errors.ts';
import type { GatewayRequest } from '../gateway-request.ts';
import type { GatewayCounts } from '../observe/counts.ts';
import { beginRootSpan } from '../observe/spans.ts';
import type { SourceEvent } from '../sources/data-source.ts';
import { Gathering } from './gathering.ts';
import type { LivePlan } from './live-source.ts';
import { type Group, sharedForMs } from './shared-runs.ts';

export type ExecutedEvent = {
  readonly event: SourceEvent;
  /** Never rejects. */
  readonly answer: Promise<Answer>;
  /** When its answer was there, as `performance.now()` counts; Infinity before. */
  answeredAt: number;
};

export type Executing = {
  readonly plan: LivePlan;
  readonly group: Group;
  readonly request: GatewayRequest;
  readonly counts: GatewayCounts;
  readonly tracer: Tracer | undefined;
};

/** Each once for the group, and those that are executed now together. */
export const executeEvents = (executing: Executing, events: readonly SourceEvent[]): ExecutedEvent[] => {
  const gathering = events.length > 1 ? new Gathering() : null;
  return events.map((event) => {
    const executed: ExecutedEvent = { event, answer: answerTo(executing, event, gathering), answeredAt: Infinity };
    void executed.answer.then(() => (executed.answeredAt = performance.now()));
    return executed;
  });
};

/** It was not told for so long that other subgraphs may have changed meanwhile. */
export const isStale = ({ answeredAt }: ExecutedEvent): boolean => performance.now() - answeredAt > sharedForMs;

const answerTo = ({ plan: { lease, prepared }, group, request: { viewer, requestId }, counts, tracer }: Executing, event: SourceEvent, gathering: Gathering | null): Promise<Answer> =>
  group.run(event.key, async (signal) => {
    counts.eventsExecuted++;
    const span = tracer && beginRootSpan(tracer, prepared.operation);
    const member = gathering?.join();
    const dataSources = member?.over(lease.engine.dataSources);
    let answer: Answer;
    try {
      answer = await lease.engine.run(prepared, { viewer, requestId, signal, trace: span, dataSources }, await event.execute());
    } catch (error) {
      answer = failure(formatThrown(error, requestId));
    }
    member?.end();
    span?.end(answer.errors);
    return answer;
  });
