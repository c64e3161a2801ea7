/** The worker role: runs schedules, pulls, health checks, handlers and the subgraphs' own jobs. */
import { z } from 'zod';
import type { Connector } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { startJobs } from '#core/jobs.ts';
import { Service } from '#core/services.ts';
import type { Hub } from '#core/subgraph.ts';
import { createHandleTask, handleTask } from './handlers.ts';
import { recordContact } from './health.ts';
import type { Ingest } from './ingest.ts';
import { pullTask } from './pull-jobs.ts';
import { pullService } from './pull.ts';
import { recoverRotation, retirePushSecrets, retireTask, rotateTask } from './rotate.ts';
import { healthTask, startScheduler } from './scheduler.ts';
import { StepFailed } from './steps.ts';

const forService = z.object({ serviceId: z.string() });
const rotation = z.object({ serviceId: z.string(), by: z.string().nullable(), isNew: z.boolean().default(false) });

/** A step that failed says why by its cause: that is what the job's log is to tell. */
const asUpstreamFault = (error: unknown): never => {
  throw error instanceof StepFailed ? error.cause : error;
};

export type WorkerOptions = { readonly ingest: Ingest; readonly hub: Hub; readonly tickMs?: number };

/**
 * Services called at once. One that hangs is waited for until its calls time out, so there is room for many of those;
 * waiting costs nothing else, as a pull takes a connection of the database only to write.
 */
const servicesAtOnce = 64;
/** What the hub does by itself, which never waits behind services that hang. */
const jobsAtOnce = 16;

export const startIngestWorker = async ({ ingest, hub, tickMs }: WorkerOptions): Promise<AsyncDisposable> => {
  await using stack = new AsyncDisposableStack();
  const { database, logger } = hub;
  stack.use(
    await startJobs({
      database, logger, concurrency: jobsAtOnce,
      tasks: {
        ...Object.fromEntries(ingest.subgraphs.flatMap(({ tasks = {} }) => Object.entries(tasks)).map(([name, task]) => [name, (payload: unknown, signal: AbortSignal) => task(payload, hub, signal)])),
        [handleTask]: createHandleTask(hub, ingest.subgraphs),
        [rotateTask]: async (payload, signal) => {
          await recoverRotation(ingest, rotation.parse(payload), signal).catch(asUpstreamFault);
        },
        [retireTask]: (payload, signal) => retirePushSecrets(ingest, forService.parse(payload).serviceId, signal),
      },
    }),
  );
  stack.use(
    await startJobs({
      database, logger, concurrency: servicesAtOnce,
      tasks: {
        [pullTask]: (payload, signal) => pullService(ingest, forService.parse(payload).serviceId, signal),
        [healthTask]: (payload, signal) => checkHealth(ingest, forService.parse(payload).serviceId, signal),
      },
    }),
  );
  stack.use(startScheduler(ingest, { tickMs: tickMs ?? 1000 }));
  const started = stack.move();
  return { [Symbol.asyncDispose]: () => started.disposeAsync() };
};

/** A check may take this long. */
const longestCheckMs = 10_000;

export const checkHealth = async (ingest: Ingest, serviceId: string, signal: AbortSignal, limitMs = longestCheckMs): Promise<void> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  if (service?.state !== 'ACTIVE') return;
  const check = async (): Promise<null> => {
    const context = ingest.pressingContextFor(service, AbortSignal.any([signal, AbortSignal.timeout(limitMs)])); // throws where there is no such connector
    await (ingest.connectors.get(service.product) as Connector<unknown>).checkHealth(context);
    return null;
  };
  const error = await check().catch(inUpstreamWords(limitMs));
  if (!signal.aborted) await recordContact(ingest, serviceId, { source: 'health', error });
};

/** The check's own limit, wherever it struck, is the upstream's slowness and no fault of the hub. */
const inUpstreamWords = (limitMs: number) => (reason: unknown): unknown =>
  reason instanceof Error && reason.name === 'TimeoutError' ? new UpstreamError('timeout', 'The upstream did not answer in time.', { timeoutMs: limitMs }) : reason;
