/** The source of live operations: what a subgraph streams for the root field, and everything its events are answered with. */
import { EventgraphError } from '#core/errors.ts';
import type { DataSource, SourceEvent, SourceEvents, SubgraphRequest } from '../sources/data-source.ts';
import type { Prepared } from '../engine.ts';
import type { Lease } from '../engine-holder.ts';
import { RequestRefused } from '../errors.ts';
import { usedVariables } from '../execute/fetch.ts';
import { subgraphErrors } from '../execute/subgraph-errors.ts';
import type { GatewayRequest } from '../gateway-request.ts';
import type { FetchStep } from '../plan/plan.ts';
import { groupKeyOf, meetingKeyOf } from './shared-runs.ts';
import { PlainVariables } from '../sources/subgraph-variables.ts';

/** What is asked of which subgraph, on one engine. */
export type LivePlan = {
  readonly lease: Lease;
  readonly prepared: Prepared;
  readonly primary: FetchStep;
  readonly dataSource: DataSource;
  /** Equal for those who may share executions. */
  readonly groupKey: string;
  /** Equal for those who may share a source, once they stand at the same event. */
  readonly meetingKey: string;
};

/** Throws RequestRefused. The lease stays the caller's. */
export const planLive = (request: GatewayRequest, lease: Lease): LivePlan => {
  const { engine, id } = lease;
  const prepared = engine.prepare(engine.operations.find(request.query, request.operationName), request.variables, request.viewer);
  const { primary } = prepared.plan;
  const dataSource = primary && engine.dataSources.get(primary.subgraph);
  if (!primary || !dataSource) throw deniedRoot(prepared);
  const groupKey = groupKeyOf(id, prepared, request.viewer);
  return { lease, prepared, primary, dataSource, groupKey, meetingKey: meetingKeyOf(groupKey, prepared, primary.variables) };
};

/** Throws RequestRefused with what the subgraph answered. */
export const openSource = async (plan: LivePlan, request: GatewayRequest, signal: AbortSignal): Promise<SourceEvents> => {
  const source = await plan.dataSource.subscribe(requestOf(plan, request, signal));
  if (!(Symbol.asyncIterator in source)) throw new RequestRefused(subgraphErrors(plan.primary.subgraph, source.errors ?? []));
  return source;
};

/** Goes on behind an event of a source of the same subgraph; throws SUBSCRIPTION_ENDED where that cannot be. */
export const continueSource = (plan: LivePlan, request: GatewayRequest, signal: AbortSignal, last: SourceEvent | null): SourceEvents => {
  if (!last?.continue) throw new EventgraphError('SUBSCRIPTION_ENDED', 'The schema changed, and what this subscription asks for now cannot be continued where it stands. Subscribe again, with the last cursor where there is one.');
  return last.continue(requestOf(plan, request, signal));
};

const requestOf = ({ prepared, primary }: LivePlan, { viewer, requestId }: GatewayRequest, signal: AbortSignal): SubgraphRequest => ({
  operation: primary.operation,
  variables: new PlainVariables(usedVariables(prepared, primary)),
  viewer,
  requestId,
  signal,
});

/** Without its root field, which the viewer may not see, a subscription has no source. */
const deniedRoot = ({ selection }: Prepared): RequestRefused => {
  const denied = selection.forType(selection.type.name).fields[0];
  return new RequestRefused([
    { message: `The key does not allow to see ${denied?.coordinate ?? 'this subscription'}.`, path: denied ? [denied.responseName] : [], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate: denied?.coordinate ?? null } },
  ]);
};
