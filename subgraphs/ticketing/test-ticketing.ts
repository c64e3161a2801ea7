/** A ticketing platform with its shop and extras, registered with a hub over real tables, for tests. */
import { fastify } from 'fastify';
import type { AddressInfo } from 'node:net';
import { asker, viewerOf } from '#core/testing-hub.ts';
import { pushToken } from '#core/secrets.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import type { Viewer } from '#core/viewer.ts';
import { pullService } from '#ingest/pull.ts';
import { pushRoutes } from '#ingest/push.ts';
import { openTestIngest } from '#ingest/test-kit.ts';
import { createTicketingSimulator } from '#simulators/ticketing/index.ts';
import { type Plan, demoPlan } from '#simulators/ticketing/plans.ts';
import { settleJob } from './handlers.ts';
import { subgraph } from './index.ts';

export type BookingAnswer = { readonly booking: { readonly id: string; readonly state: string; readonly confirmationUrl: string | null; readonly total: { readonly amount: string } | null; readonly refund: string | null } | null; readonly userErrors: readonly { readonly code: string; readonly field: string | null; readonly message: string }[] };

const bookingFields = 'booking { id state confirmationUrl total { amount currency } refund failure { code } } userErrors { code field message }';
const mutation = (name: string, input: string, fields: string) => `mutation ($input: ${input}!) { ${name}(input: $input) { ${fields} } }`;

export const begin = new Date(Date.UTC(2024, 5, 1, 9));
export const buyer = (number: number | string = 1): Viewer => viewerOf(['book_tickets'], [], `key_buyer_${number}`);
export const manager = viewerOf(['read_events', 'manage_tickets', 'book_tickets', 'manage_services'], 'all', 'key_manager');

export type StartOptions = { readonly holdMs?: number; readonly plan?: (now: Date) => Plan; readonly settings?: Readonly<Record<string, unknown>>; readonly timeoutMs?: number };

export const start = async ({ holdMs, plan = demoPlan, settings }: StartOptions = {}) => {
  await using stack = new AsyncDisposableStack();
  const test = stack.use(await openTestIngest({ more: [subgraph] }));
  const { clock, ingest } = test;
  clock.now = begin;
  const now = () => clock.now.getTime();
  const simulator = stack.use(await createTicketingSimulator({ platform: { now, plan: plan(begin), webhookRetryMs: [], ...(holdMs === undefined ? {} : { holdMs }) }, yookassa: { now, notificationRetryMs: [] } }));
  const app = fastify({ forceCloseConnections: true });
  await app.register(pushRoutes(ingest));
  stack.defer(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const publicUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  // Upstreams are told of the hub's door: it has to be a real one.
  Object.assign(test.hub, { publicUrl });
  const hub: Hub = { ...test.hub, ingest };
  const registered = await ingest.register({
    product: 'ticketing', serviceName: 'Northern Concerts', endpoints: { api: simulator.platform.url, webhook: null, healthCheck: null }, credentials: { type: 'api_key', apiKey: simulator.platform.token },
    syncInterval: 60, retries: 0, dataSchema: null, settings: { ...simulator.settings, ...settings }, eventAccess: null, by: null,
  });
  if (!registered.ok) throw new Error(`${registered.step}: ${registered.message}`);
  const { serviceId } = registered;
  const service = await hub.database.em().findOneOrFail(Service, { id: serviceId });
  const notificationUrl = `${publicUrl}/ingest/${serviceId}?token=${pushToken(hub.secrets.decrypt(service.pushSecret))}`;
  simulator.yookassa.notifyAt(notificationUrl);
  const ask = asker(subgraph, hub);
  const act = async <Answer = BookingAnswer>(name: string, inputType: string, input: object, viewer: Viewer, fields = bookingFields): Promise<Answer> => {
    const { data, errors } = await ask<Record<string, Answer>>(mutation(name, inputType, fields), viewer, { input });
    if (errors[0]) throw Object.assign(new Error(errors[0].message), { code: errors[0].code });
    return data[name] as Answer;
  };
  // First of all, so that nobody is telling the hub anything when it ends.
  stack.defer(async () => void (await Promise.all([simulator.platform.webhooks.settled(), simulator.yookassa.settled()])));
  const opened = stack.move();
  return {
    ...test,
    ...simulator,
    hub,
    serviceId,
    publicUrl,
    notificationUrl,
    ask,
    act,
    reserve: (ticketIds: readonly string[], key: string, viewer = buyer(), eventId = 'autumn-quartet') => act('reserveTickets', 'ReserveTicketsInput', { eventId, ticketIds, idempotencyKey: key }, viewer),
    pay: (bookingId: string, key: string, viewer = buyer()) => act('payBooking', 'PayBookingInput', { bookingId, idempotencyKey: key }, viewer),
    cancel: (bookingId: string, key: string, viewer = buyer()) => act('cancelBooking', 'CancelBookingInput', { bookingId, idempotencyKey: key }, viewer),
    booking: async (id: string, viewer = buyer()) => (await ask<{ booking: NonNullable<BookingAnswer['booking']> }>(`query ($id: ID!) { booking(id: $id) { id state confirmationUrl paidAt refund failure { code } total { amount currency } } }`, viewer, { id })).data.booking,
    /** What the booking's job does when it comes. */
    settle: (bookingId: string) => settleJob({ bookingId, tries: 0 }, hub, new AbortController().signal),
    pull: () => pullService(ingest, serviceId, new AbortController().signal),
    sql: <Row>(text: string, values: readonly unknown[] = []) => query<Row>(hub.database.em(), text, values),
    /** Money that came and went, as the rest of the hub was told. */
    purchases: async () => (await query<{ payload: { amount: string; currency: string; orderId: string } }>(hub.database.em(), `select payload from hub.domain_events where type = 'purchase.recorded' order by id`)).map(({ payload }) => payload),
    /** As if the hub, or somebody by hand, had asked the shop to refund so much of a booking, and nobody heard of it. */
    async refundDirectly(bookingId: string, key: string, value: string): Promise<void> {
      const payment = [...simulator.yookassa.payments.values()].find(({ metadata }) => metadata.booking_id === bookingId);
      const headers = { 'authorization': `Basic ${Buffer.from(`${simulator.yookassa.shopId}:${simulator.yookassa.secretKey}`).toString('base64')}`, 'idempotence-key': key, 'content-type': 'application/json' };
      const { status } = await fetch(`${simulator.yookassa.url}/refunds`, { method: 'POST', headers, body: JSON.stringify({ payment_id: payment?.id, amount: { value, currency: 'RUB' } }) });
      if (status !== 200) throw new Error(`YooKassa answered ${status}`);
    },
    advance(ms: number) {
      clock.now = new Date(clock.now.getTime() + ms);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
};
export type TestTicketing = Awaited<ReturnType<typeof start>>;

/** A reserved booking whose payment was begun, and the payment. */
export const begunPayment = async (it: TestTicketing, ticketIds: readonly string[], key = ticketIds.join()) => {
  const { booking } = await it.reserve(ticketIds, `reserve ${key}`);
  const { booking: paid } = await it.pay(booking?.id ?? '', `pay ${key}`);
  const paymentId = new URL(paid?.confirmationUrl ?? '').searchParams.get('orderId') ?? '';
  return { bookingId: booking?.id ?? '', paymentId };
};

/** A booking that was paid and confirmed. */
export const confirmed = async (it: TestTicketing, ticketIds: readonly string[]): Promise<string> => {
  const { bookingId, paymentId } = await begunPayment(it, ticketIds);
  it.yookassa.pay(paymentId);
  await it.yookassa.settled();
  await it.settle(bookingId);
  return bookingId;
};
