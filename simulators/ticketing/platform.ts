/** A ticketing platform over real HTTP. */
import { timingSafeEqual } from 'node:crypto';
import { type Bookings, createBookings } from './platform-bookings.ts';
import { platformRoutes } from './platform-routes.ts';
import { type Webhooks, createWebhooks } from './platform-webhooks.ts';
import { type World, createWorld } from './platform-world.ts';
import { type Plan, sow } from './plans.ts';
import { Refused } from './refused.ts';
import { type SimulatedServer, createSimulatedServer } from './simulated-server.ts';

export type PlatformOptions = {
  readonly port?: number;
  readonly token?: string;
  readonly now?: () => number;
  /** What there is before anybody does anything. */
  readonly plan?: Plan;
  /** For how long a reservation holds, in milliseconds. */
  readonly holdMs?: number;
  readonly webhookRetryMs?: readonly number[];
};

export type Platform = SimulatedServer & {
  readonly token: string;
  readonly world: World;
  readonly bookings: Bookings;
  readonly webhooks: Webhooks;
  /** From now on availability is checked, and acted on so many milliseconds later. Null: properly. */
  setSloppy(delayMs: number | null): void;
  /** From now on it lets nobody cancel a booking, or does again. */
  refuseToCancel(refuses: boolean): void;
  /** From now on it answers the confirmation of a booking that is over with the booking as it is, or refuses it again. */
  setVague(isVague: boolean): void;
  /** How many live bookings of the platform have this ticket: more than one is sold twice. */
  soldTimes(ticketId: string): number;
};

export const createPlatform = async (options: PlatformOptions = {}): Promise<Platform> => {
  const { token = 'ticketing-demo-token', now = Date.now, holdMs = 15 * 60_000, plan } = options;
  const webhooks = createWebhooks(now, options.webhookRetryMs ?? [250, 1_000, 5_000]);
  const world = createWorld(now, (change) => webhooks.tell(change));
  let sloppyMs: number | null = null;
  let refusesToCancel = false;
  let isVague = false;
  const bookings = createBookings({ world, holdMs, sloppyMs: () => sloppyMs, refusesToCancel: () => refusesToCancel, isVague: () => isVague });
  if (plan) sow(world, plan);
  const server = await createSimulatedServer({
    port: options.port,
    routes: (app) => platformRoutes(app, world, bookings, webhooks),
    admit(request, reply) {
      if (request.url === '/health' || isEqual(request.headers.authorization ?? '', `Bearer ${token}`)) return true;
      void reply.code(401).send({ error: { code: 'unauthorized', message: 'A valid token is needed.' } });
      return false;
    },
    describe: (error) => (error instanceof Refused ? { status: error.status, body: { error: { code: error.code, message: error.message, ...error.facts } } } : { status: 400, body: { error: { code: 'bad_request', message: String((error as Error).message) } } }),
  });
  return {
    ...server,
    token,
    world,
    bookings,
    webhooks,
    setSloppy(delayMs) {
      sloppyMs = delayMs;
    },
    refuseToCancel(refuses) {
      refusesToCancel = refuses;
    },
    setVague(vague) {
      isVague = vague;
    },
    soldTimes: (ticketId) => [...world.of('bookings').values()].filter(({ status, ticketIds }) => (status === 'reserved' || status === 'confirmed') && ticketIds.includes(ticketId)).length,
    async [Symbol.asyncDispose]() {
      await webhooks.close();
      await server[Symbol.asyncDispose]();
    },
  };
};

const isEqual = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};
