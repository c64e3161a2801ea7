/** Telling an upstream that it is to push no more. */
import type { Connector } from '#core/connector.ts';
import type { Reachable } from '#core/services.ts';
import type { Ingest } from './ingest.ts';
import type { ServiceCalls } from './service-calls.ts';

/** An upstream that is away must not hold anything up for longer. */
const withdrawMs = 10_000;

/** Whether it went well; null where the product has no way. An upstream that cannot be told is no reason to fail: its pushes are refused. */
export const withdrawFrom = async (ingest: Ingest, service: Reachable, signal?: AbortSignal, over?: ServiceCalls): Promise<boolean | null> => {
  const connector = ingest.connectors.get(service.product) as Connector<unknown> | undefined;
  if (!connector?.withdrawKeys) return null;
  try {
    const limit = AbortSignal.timeout(withdrawMs);
    await connector.withdrawKeys(ingest.pressingContextFor(service, signal ? AbortSignal.any([signal, limit]) : limit, over));
    return true;
  } catch (error) {
    ingest.hub.logger.warn({ err: error, serviceId: service.id }, 'the upstream could not be told to push no more');
    return false;
  }
};
