/**
 * The demo: simulated upstream products over real HTTP, registered like any other service. Its beginning is kept in
 * the data folder, so that a hub that starts again goes on with the same day.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '#core/config.ts';
import { EventgraphError } from '#core/errors.ts';
import type { Registration } from '#core/ingest-port.ts';
import { sealSettings } from '#core/secret-settings.ts';
import { Service } from '#core/services.ts';
import { pullService } from '#ingest/pull.ts';
import { declaration, declaredSigning } from '#simulators/custom/declaration.ts';
import { createCustomSimulator } from '#simulators/custom/index.ts';
import { createEventbriteSimulator } from '#simulators/eventbrite/index.ts';
import { demoPlan as eventbritePlan } from '#simulators/eventbrite/plans.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { createPretixSimulator } from '#simulators/pretix/index.ts';
import { demoPlan } from '#simulators/pretix/plans.ts';
import { createTicketingSimulator } from '#simulators/ticketing/index.ts';
import { bookAsCustomer } from './demo-booking.ts';
import type { Foundation } from './foundation.ts';

export type Demo = AsyncDisposable & { readonly upstreams: readonly { readonly name: string; readonly url: string }[] };

export type DemoOptions = { readonly foundation: Foundation; readonly config: Config; readonly dataDir: string; /** Where the gateway listens, and a key for it. */ readonly url: string; readonly adminKey: string };

/** Seconds between pulls; pushes make the rest live. */
const syncInterval = 15;

export const startDemo = async ({ foundation, config, dataDir, url, adminKey }: DemoOptions): Promise<Demo> => {
  await using stack = new AsyncDisposableStack();
  const { startedAt, day } = await dayOf(dataDir, config.demoSpeed);
  const seed = `demo-${config.demoSeed}`;
  const gates = stack.use(await createGatekeeperSimulator({ seed, clock: { speed: config.demoSpeed, startedAt } }));
  const pretix = stack.use(await createPretixSimulator({ seed: `${seed}-${day}`, plan: (now) => demoPlan(now, day), autoplay: { speed: config.demoSpeed, startedAt }, requestsPerMinute: null }));
  const eventbrite = stack.use(await createEventbriteSimulator({ plan: (now) => eventbritePlan(now, day), seed: `${seed}-${day}`, callsPerHour: null, day: { speed: config.demoSpeed, startedAt } }));
  const desk = stack.use(await createCustomSimulator({ authentication: { kind: 'header', name: 'X-Api-Key', value: deskKey }, signing: declaredSigning, evening: { speed: config.demoSpeed, startedAt, day } }));
  const ticketing = stack.use(await createTicketingSimulator({ evening: { speed: config.demoSpeed, startedAt, day } }));
  for (const event of gates.events) {
    const { eventId } = event;
    await connect(foundation, { ...common, product: 'gatekeeper', serviceName: `Gate system of ${eventId}`, endpoints: endpointsOf(gates.endpoint(eventId), '/health'), credentials: { type: 'api_key', apiKey: gates.apiKey }, settings: { eventId } });
  }
  await connect(foundation, { ...common, product: 'pretix', serviceName: `pretix of ${pretix.organizer}`, endpoints: endpointsOf(pretix.url, '/api/v1/organizers/'), credentials: { type: 'api_key', apiKey: pretix.token }, settings: { organizer: pretix.organizer, typeProperty: 'type', requestsPerMinute: 6000 } });
  await connect(foundation, { ...common, product: 'eventbrite', serviceName: `Eventbrite of Acme ${eventbrite.organizationId}`, endpoints: endpointsOf(`${eventbrite.url}/v3`, '/users/me/organizations/'), credentials: { type: 'api_key', apiKey: eventbrite.token }, settings: { organizationId: eventbrite.organizationId, callsPerHour: 100_000 } });
  await connect(foundation, { ...common, product: 'custom', serviceName: 'Venue desk', endpoints: endpointsOf(desk.url, '/health'), credentials: { type: 'api_key', apiKey: deskKey, header: 'X-Api-Key' }, settings: declaration });
  const ticketingId = await connect(foundation, { ...common, product: 'ticketing', serviceName: 'Northern Concerts', endpoints: endpointsOf(ticketing.platform.url, '/health'), credentials: { type: 'api_key', apiKey: ticketing.platform.token }, settings: ticketing.settings });
  // Who tries limits on the demo may leave no room for a booking; everything else is there.
  await bookAsCustomer({ url, key: adminKey, serviceId: ticketingId, eventId: [...ticketing.platform.world.of('events').keys()].at(-1) ?? '', shop: ticketing.yookassa }).catch((error: unknown) => foundation.hub.logger.warn({ err: error }, 'the demo has no booking'));
  // The organizers of an earlier day are not there any more.
  const earlier = [{ product: 'pretix', name: { $like: 'pretix of harbour%', $ne: `pretix of ${pretix.organizer}` } }, { product: 'eventbrite', name: { $like: 'Eventbrite of Acme %', $ne: `Eventbrite of Acme ${eventbrite.organizationId}` } }];
  for (const own of earlier) await foundation.hub.database.em().nativeUpdate(Service, { ...own, state: 'ACTIVE' }, { state: 'PAUSED' });
  const running = stack.move();
  return {
    upstreams: [
      { name: 'gate system', url: gates.url },
      { name: 'pretix', url: pretix.url },
      { name: 'Eventbrite', url: `${eventbrite.url}/v3` },
      { name: 'venue desk', url: desk.url },
      { name: 'ticketing', url: ticketing.platform.url },
    ],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
};

const common = { syncInterval, retries: 2, dataSchema: null, eventAccess: null, by: null };

const deskKey = 'key-of-the-venue-desk';

const endpointsOf = (api: string, healthPath: string): Registration['endpoints'] => ({ api, webhook: null, healthCheck: `${api}${healthPath}` });

/** After this long of its own time a day of the demo is over, and the next start begins a new one. */
const dayMs = 10 * 3_600_000;

/** `startedAt`: when the demo's day began, in milliseconds since 1970; `day`: which day it is, from 1. */
const dayShape = z.object({ startedAt: z.number(), day: z.number().int() });

const dayOf = async (dataDir: string, speed: number): Promise<z.infer<typeof dayShape>> => {
  const file = join(dataDir, 'demo.json');
  const kept = dayShape.safeParse(await readFile(file, 'utf8').then(JSON.parse).catch(() => null));
  if (kept.success && (Date.now() - kept.data.startedAt) * speed < dayMs) return kept.data;
  const begun = { startedAt: Date.now(), day: (kept.data?.day ?? 0) + 1 };
  await writeFile(`${file}.new`, JSON.stringify(begun));
  await rename(`${file}.new`, file);
  return begun;
};

/** Registers the service, or, after a new start, tells the hub and the simulator where the other one is now. Answers its id. */
const connect = async ({ hub, ingest }: Foundation, registration: Registration): Promise<string> => {
  const em = hub.database.em();
  const known = await em.findOne(Service, { name: registration.serviceName, product: registration.product });
  if (!known) {
    const result = await ingest.register(registration);
    if (!result.ok) throw new EventgraphError('DEMO_FAILED', `The demo's ${registration.serviceName} cannot be registered: ${result.step}: ${result.message}`);
    return result.serviceId;
  }
  if (known.state !== 'ACTIVE') return known.id;
  const connector = ingest.connectors.get(known.product);
  known.apiUrl = registration.endpoints.api;
  known.healthUrl = registration.endpoints.healthCheck ?? known.healthUrl;
  known.settings = sealSettings(registration.settings, connector?.secretSettings, hub.secrets) as Record<string, unknown>;
  known.nextSyncAt = hub.now();
  await em.flush();
  // Of another day's events the hub has to know before it is told who comes to them.
  await pullService(ingest, known.id, AbortSignal.timeout(60_000));
  await connector?.exchangeKeys?.(ingest.contextFor(known, AbortSignal.timeout(10_000)));
  return known.id;
};
