/** A hub that is killed between any two steps of a booking, in a process of its own. */
import { expect, test } from 'vitest';
import { cloneDatabase } from '#core/testing.ts';
import { createTicketingSimulator } from '#simulators/ticketing/index.ts';
import { type HubProcess, ask, askUntil, makeDataDir, plainHub, startHubProcess } from './hub-process.ts';

type Booking = { readonly id: string; readonly state: string; readonly confirmationUrl: string | null; readonly refund: string | null };
type Answer = { readonly booking: Booking | null; readonly userErrors: readonly { readonly code: string }[] };

const registration = 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { service { id } userErrors { code message } } }';
const fields = '{ booking { id state confirmationUrl refund } userErrors { code } }';
const operations = {
  reserveTickets: `mutation ($input: ReserveTicketsInput!) { answer: reserveTickets(input: $input) ${fields} }`,
  payBooking: `mutation ($input: PayBookingInput!) { answer: payBooking(input: $input) ${fields} }`,
  cancelBooking: `mutation ($input: CancelBookingInput!) { answer: cancelBooking(input: $input) ${fields} }`,
};

/** Where the hub is killed: when the upstream got this request, before or after it did what was asked. */
const places = (['before', 'after'] as const).flatMap((when) =>
  ([['platform', /POST \/bookings$/], ['yookassa', /POST \/v3\/payments$/], ['yookassa', /GET \/v3\/payments\//], ['platform', /POST \/bookings\/.*\/confirm/], ['platform', /POST \/bookings\/.*\/cancel/], ['yookassa', /POST \/v3\/refunds/]] as const).map(([who, which]) => ({ when, who, which })),
);

test('kill -9 between any two steps of a booking loses nothing, doubles nothing and holds no seat for ever', async () => {
  await using folder = await makeDataDir();
  await using it = await createTicketingSimulator({ yookassa: { notificationRetryMs: [500, 500, 500, 500, 1_000, 1_000, 2_000, 2_000] } });
  await using database = await cloneDatabase();
  const env = { ...(await plainHub(folder.path)), DATABASE_URL: database.url };
  let hub: HubProcess = await startHubProcess(env);
  const input = { product: 'ticketing', serviceName: 'Concerts', endpoints: { api: it.platform.url }, authentication: { type: 'API_KEY', credentials: { apiKey: it.platform.token } }, syncSettings: { interval: 60 }, settings: it.settings };
  const registered = await ask<{ registerEventService: { service: { id: string } | null; userErrors: unknown[] } }>(hub.url, hub.adminKey, registration, { input });
  expect(registered.data.registerEventService.userErrors).toEqual([]);
  const { data: { ticketingSetup } } = await ask<{ ticketingSetup: { notificationUrl: string } }>(hub.url, hub.adminKey, 'query ($id: ID!) { ticketingSetup(serviceId: $id) { notificationUrl } }', { id: registered.data.registerEventService.service?.id });
  it.yookassa.notifyAt(ticketingSetup.notificationUrl);

  /** Sends until there is an answer: a caller whose hub was killed sends the same again. */
  const act = async (name: keyof typeof operations, given: object): Promise<Answer> => {
    for (;;) {
      const answer = await ask<{ answer: Answer }>(hub.url, hub.adminKey, operations[name], { input: given }).catch(() => null);
      if (answer?.data?.answer) return answer.data.answer;
      await restarted;
    }
  };
  let restarted: Promise<void> = Promise.resolve();
  const reached = (id: string, wanted: (booking: Booking) => boolean) =>
    askUntil(async () => (await ask<{ booking: Booking }>(hub.url, hub.adminKey, 'query ($id: ID!) { booking(id: $id) { id state confirmationUrl refund } }', { id }).catch(() => null))?.data?.booking ?? { id, state: '', confirmationUrl: null, refund: null }, wanted, 120_000);

  for (const [number, { who, which, when }] of places.entries()) {
    const ticket = `autumn-quartet-s${number + 1}`;
    const hold = it[who].hold(which, when);
    restarted = hold.arrived.then(async () => {
      await hub.stop('SIGKILL');
      hold.release();
      hub = await startHubProcess(env);
    });
    const key = (what: string) => `${what} ${number}`;
    const reserved = await act('reserveTickets', { eventId: 'autumn-quartet', ticketIds: [ticket], idempotencyKey: key('reserve') });
    expect(reserved.userErrors).toEqual([]);
    const id = reserved.booking?.id ?? '';
    await reached(id, ({ state }) => state === 'RESERVED');
    await act('payBooking', { bookingId: id, idempotencyKey: key('pay') });
    const { confirmationUrl } = await reached(id, (booking) => booking.confirmationUrl !== null);
    it.yookassa.pay(new URL(confirmationUrl ?? '').searchParams.get('orderId') ?? '');
    await reached(id, ({ state }) => state === 'CONFIRMED');
    expect(it.platform.soldTimes(ticket)).toBe(1);
    // Every second one is cancelled, and so is what cancelling is killed in.
    if (!/cancel|refunds/.test(which.source) && number % 2 === 0) {
      await restarted;
      continue;
    }
    await act('cancelBooking', { bookingId: id, idempotencyKey: key('cancel') });
    await reached(id, ({ state, refund }) => state === 'CANCELLED' && refund === 'SUCCEEDED');
    await restarted;
    const again = await act('reserveTickets', { eventId: 'autumn-quartet', ticketIds: [ticket], idempotencyKey: key('again') });
    expect(again.userErrors).toEqual([]);
    await reached(again.booking?.id ?? '', ({ state }) => state === 'RESERVED');
  }

  const confirmed = [...it.platform.world.of('bookings').values()].filter(({ status }) => status === 'confirmed');
  expect(it.yookassa.payments.size).toBe(places.length);
  expect(it.yookassa.kept()).toBeCloseTo(confirmed.length * 1990.5, 2);
  expect([...it.platform.world.of('tickets').keys()].filter((ticket) => it.platform.soldTimes(ticket) > 1)).toEqual([]);
  await hub.stop('SIGTERM');
}, 900_000);
