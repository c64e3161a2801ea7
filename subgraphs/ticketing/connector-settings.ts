/** What a registered ticketing platform is set to, and the clients that follow from it. */
import { z } from 'zod';
import type { ConnectorContext } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { type PlatformClient, createPlatformClient } from './upstream.ts';
import { type PaymentsClient, createPaymentsClient } from './upstream-payments.ts';
import { type YandexClient, createYandexClient } from './upstream-yandex.ts';

const address = z.url({ protocol: /^https?$/ });

export const settings = z.object({
  /** Put before the platform's ids of events, with a dash, where they would not be unique in the hub. */
  prefix: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$/).nullish().transform((value) => value ?? null),
  /** How many seats one key, or one user, may have reserved and not paid at a time. */
  maxHeldSeats: z.number().int().min(1).max(1_000_000).nullish().transform((value) => value ?? 100),
  /** A YooKassa shop; without it only free tickets can be booked to the end. */
  payments: z
    .object({
      shopId: z.string().min(1).max(100),
      secretKey: z.string().min(1).max(200),
      api: address.default('https://api.yookassa.ru/v3'),
      /** Where the buyer comes back to from the payment page. */
      returnUrl: address,
    })
    .nullish()
    .transform((value) => value ?? null),
  music: z.object({ token: z.string().min(1).max(500), api: address.default('https://api.music.yandex.net') }).nullish().transform((value) => value ?? null),
  geocoder: z.object({ apiKey: z.string().min(1).max(200), api: address.default('https://geocode-maps.yandex.ru/v1/'), language: z.string().default('ru_RU') }).nullish().transform((value) => value ?? null),
});
export type TicketingSettings = z.infer<typeof settings>;
export const secretSettings = ['payments.secretKey', 'music.token', 'geocoder.apiKey'];

export type TicketingContext = ConnectorContext<TicketingSettings>;

export const hubEventId = ({ prefix }: Pick<TicketingSettings, 'prefix'>, platformId: string): string => (prefix === null ? platformId : `${prefix}-${platformId}`);

export const platformOf = ({ service, http, signal }: TicketingContext): PlatformClient => {
  const { credentials } = service;
  if (credentials.type !== 'api_key') throw new UpstreamError('status', 'The platform needs credentials of type api_key: a token of a service account.', { status: 401 });
  return createPlatformClient({ http, signal, api: service.endpoints.api, token: credentials.apiKey });
};

/** Null where the service has no shop. */
export const paymentsOf = ({ service, httpFor, signal }: TicketingContext): PaymentsClient | null => service.settings.payments && createPaymentsClient({ ...service.settings.payments, http: httpFor('payments'), signal });

export const yandexOf = ({ service, httpFor, signal }: TicketingContext): YandexClient =>
  createYandexClient({ music: service.settings.music && { ...service.settings.music, http: httpFor('music') }, geocoder: service.settings.geocoder && { ...service.settings.geocoder, http: httpFor('geocoder') }, signal });
