/** The ticketing platform and the services beside it, each over real HTTP on a port of its own. */
import { createScenarioClock } from '#simulators/gatekeeper/clock.ts';
import { type EveningOptions, playEvening } from './evening.ts';
import { type Platform, type PlatformOptions, createPlatform } from './platform.ts';
import { demoPlan } from './plans.ts';
import { type Geocoder, type YandexMusic, createGeocoder, createYandexMusic } from './yandex.ts';
import { type YooKassa, type YooKassaOptions, createYooKassa } from './yookassa.ts';

export type TicketingSimulator = AsyncDisposable & {
  readonly platform: Platform;
  readonly yookassa: YooKassa;
  readonly music: YandexMusic;
  readonly geocoder: Geocoder;
  /** What a service of the product `ticketing` is registered with. */
  readonly settings: Readonly<Record<string, unknown>>;
};

export type TicketingSimulatorOptions = {
  readonly platform?: PlatformOptions;
  readonly yookassa?: YooKassaOptions;
  /** People come and leave by themselves. */
  readonly evening?: EveningOptions;
};

export const createTicketingSimulator = async (options: TicketingSimulatorOptions = {}): Promise<TicketingSimulator> => {
  await using stack = new AsyncDisposableStack();
  const story = options.evening ? createScenarioClock({ ...options.evening, stamps: 'wall' }) : null;
  const begun = story ? { now: story.told } : { plan: demoPlan(new Date(options.platform?.now?.() ?? Date.now())) };
  const platform = stack.use(await createPlatform({ ...begun, ...options.platform }));
  if (story) stack.defer(playEvening(platform.world, story, options.evening?.day ?? 1).stop);
  const yookassa = stack.use(await createYooKassa(options.yookassa));
  const music = stack.use(await createYandexMusic());
  const geocoder = stack.use(await createGeocoder());
  const opened = stack.move();
  return {
    platform,
    yookassa,
    music,
    geocoder,
    settings: {
      payments: { shopId: yookassa.shopId, secretKey: yookassa.secretKey, api: yookassa.url, returnUrl: 'https://tickets.example.org/thanks' },
      music: { token: music.token, api: music.url },
      geocoder: { apiKey: geocoder.apiKey, api: geocoder.url },
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
};
