/**
 * A new secret for pushes, without losing one.
 *
 * First the new secret is stored beside the old one: from then on both are good. Then the upstream is told. Then the
 * new one takes the old one's place, which stays good for as long as the upstream may have pushes on the way or waiting
 * to be tried again. A job that was promised with the first step finishes what a process that died left in between:
 * telling the upstream twice harms nothing.
 */
import type { Connector } from '#core/connector.ts';
import { EventgraphError, InputError, UpstreamError } from '#core/errors.ts';
import type { Asker } from '#core/ingest-port.ts';
import { enqueue } from '#core/jobs.ts';
import { randomToken } from '#core/secrets.ts';
import { type PreviousPushSecret, type Reachable, Service } from '#core/services.ts';
import { type Change, type Done, changeService } from './change.ts';
import { refuseWiderPushes } from './event-access.ts';
import type { Ingest } from './ingest.ts';
import { StepFailed, pushUrlToTell } from './steps.ts';
import { withdrawFrom } from './withdraw.ts';

export const rotateTask = 'ingest.rotate';
export const retireTask = 'ingest.retire-push-secrets';

/** How long a secret is good after another took its place. */
export const overlapMs = 10 * 60_000;
/** So many may be good at a time. */
const mostPrevious = 10;
const exchangeMs = 30_000;
/** When the job looks whether the one who began has finished. */
const recoverAfterMs = 2 * exchangeMs;

export const rotatePushSecret = async (ingest: Ingest, serviceId: string, asker: Asker): Promise<Done> => {
  const { by } = asker;
  let isFirst = false;
  await changeService(ingest, serviceId, async (em, service) => {
    refuseWiderPushes(asker, service.eventAccess ?? null);
    if (!ingest.connectors.get(service.product)?.exchangeKeys) throw new InputError('KEYS_NOT_EXCHANGED', 'input.serviceId', `Services of the product ${service.product} have no secret for pushes.`);
    if (stillGood(service, ingest.hub.now()).length >= mostPrevious) throw new InputError('ROTATED_TOO_OFTEN', 'input.serviceId', `The last ${mostPrevious} secrets are still good. Try again in ${overlapMs / 60_000} minutes.`);
    isFirst = service.nextPushSecret === null;
    service.nextPushSecret ??= ingest.hub.secrets.encrypt(randomToken(32));
    await enqueue(em, rotateTask, { serviceId, by }, { key: `rotate:${serviceId}`, runAt: new Date(Date.now() + recoverAfterMs) });
    return [];
  });
  return finishRotation(ingest, serviceId, by, AbortSignal.timeout(exchangeMs), isFirst);
};

/**
 * What a job does after who began it may have died; `isNew` where a change was not stored. Where a person has to tell
 * the upstream its address, nobody would be told another: the one in use stays.
 */
export const recoverRotation = async (ingest: Ingest, { serviceId, by, isNew }: { readonly serviceId: string; readonly by: string | null; readonly isNew: boolean }, signal: AbortSignal): Promise<void> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  if (!service || service.state === 'REMOVED') return;
  if (!ingest.connectors.get(service.product)?.needsPushUrl?.(ingest.contextFor(service, signal).service.settings)) await (isNew ? rotatePushSecret(ingest, serviceId, { by, events: 'all' }) : finishRotation(ingest, serviceId, by, signal));
  else if (service.nextPushSecret) await endRotation(ingest, serviceId, service.nextPushSecret, () => []);
};

/**
 * Tells the upstream the secret that is stored as the next one, and puts it into place. Nothing to do where there is none.
 * Unless it is the first try, one before may have reached the upstream: then a refusal ends nothing, and both stay good.
 */
export const finishRotation = async (ingest: Ingest, serviceId: string, by: string | null, signal: AbortSignal, isFirst = false): Promise<Done> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  const next = service?.nextPushSecret;
  if (!service || service.state === 'REMOVED' || !next) return { ok: true };
  const connector = ingest.connectors.get(service.product) as Connector<unknown>;
  let told: Pick<Done, 'pushUrl'>;
  try {
    const context = ingest.pressingContextFor({ ...reachOf(service), pushSecret: next }, signal);
    await connector.exchangeKeys?.(context);
    told = pushUrlToTell(connector, context);
  } catch (error) {
    if (!isRefusal(error)) throw new StepFailed('KEY_EXCHANGE', 'input.serviceId', stillUnknown(error));
    if (isFirst) await endRotation(ingest, serviceId, next, () => []);
    throw new StepFailed('KEY_EXCHANGE', 'input.serviceId', error);
  }
  const done = await endRotation(ingest, serviceId, next, (current) => {
    current.previousPushSecrets = replacing(current, ingest.hub.now());
    current.pushSecret = next;
    return [{ type: 'service.push_secret_rotated', eventId: null, occurredAt: ingest.hub.now(), payload: { name: current.name, by } }];
  });
  return { ...done, ...told };
};

/** Unless somebody else ended it. */
const endRotation = (ingest: Ingest, serviceId: string, next: string, settle: (service: Service) => Awaited<ReturnType<Change>>): Promise<Done> =>
  changeService(ingest, serviceId, async (em, service) => {
    if (service.nextPushSecret !== next) return [];
    const happened = settle(service);
    service.nextPushSecret = null;
    await enqueue(em, retireTask, { serviceId }, { key: `retire:${serviceId}`, runAt: new Date(Date.now() + overlapMs + 1000) });
    return happened;
  });

/** The upstream said no, or was not asked: it has the old secret. Anything else may have reached it. */
const isRefusal = (error: unknown): boolean =>
  error instanceof UpstreamError && (['rate_limited', 'circuit_open', 'forbidden_address', 'budget_spent'].includes(error.reason) || (error.reason === 'status' && Number(error.facts.status) < 500));

const stillUnknown = (error: unknown): unknown =>
  error instanceof UpstreamError ? new EventgraphError(error.code, `${error.message} Whether the upstream took the new secret is not known: both are good, and the hub tries again by itself.`, error.facts) : error;

const stillGood = ({ previousPushSecrets }: Service, now: Date): PreviousPushSecret[] => previousPushSecrets.filter(({ until }) => new Date(until) > now);

/** The secrets that are good besides a new one which takes the place of the current one, and of one that was being exchanged. */
export const replacing = (service: Service, now: Date, replaced = [service.pushSecret]): PreviousPushSecret[] => {
  const until = new Date(now.getTime() + overlapMs).toISOString();
  return [...stillGood(service, now), ...replaced.map((sealed) => ({ sealed, until }))];
};

/** A plain copy, to be changed for a call. */
export const reachOf = ({ id, product, name, apiUrl, healthUrl, credentials, pushSecret, nextPushSecret, previousPushSecrets, settings, dataSchema, retries, circuit }: Service): Reachable => ({ id, product, name, apiUrl, healthUrl, credentials, pushSecret, nextPushSecret, previousPushSecrets, settings, dataSchema, retries, circuit });

/** Drops secrets whose time is over, and takes back at the upstream what was set up with them. */
export const retirePushSecrets = async (ingest: Ingest, serviceId: string, signal: AbortSignal): Promise<void> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  if (!service || service.state === 'REMOVED') return;
  const good = stillGood(service, ingest.hub.now());
  const over = service.previousPushSecrets.filter(({ until }) => !good.some((each) => each.until === until));
  for (const { sealed } of over) await withdrawFrom(ingest, { ...reachOf(service), pushSecret: sealed }, signal);
  await changeService(ingest, serviceId, async (em, current) => {
    current.previousPushSecrets = stillGood(current, ingest.hub.now());
    const [next] = current.previousPushSecrets;
    if (next) await enqueue(em, retireTask, { serviceId }, { key: `retire:${serviceId}`, runAt: new Date(new Date(next.until).getTime() + 1000) });
    return [];
  });
};
