/** Bookings while something is done to their service: paused, removed, set up wrongly, limited. */
import { describe, expect, test, vi } from 'vitest';
import { lockService } from '#ingest/apply.ts';
import { on } from './handlers.ts';
import { subgraph } from './index.ts';
import { change, enqueueSettle } from './store-bookings.ts';
import { type TestTicketing, begunPayment, buyer, confirmed, start } from './test-ticketing.ts';

const seat = (number: number) => `autumn-quartet-s${number}`;
const within = { timeout: 30_000 };
const claims = (it: TestTicketing) => it.sql<{ ticket_id: string }>('select ticket_id from ticketing.claims order by 1').then((rows) => rows.map(({ ticket_id }) => ticket_id));
const codes = ({ userErrors }: { readonly userErrors: readonly { readonly code: string }[] }) => userErrors.map(({ code }) => code);
/** When the jobs of a booking come, in the order of time. */
const jobsOf = (it: TestTicketing, bookingId: string) => it.sql<{ run_at: Date }>('select run_at from graphile_worker.jobs where key = $1 order by 1', [`ticketing.settle:${bookingId}`]).then((rows) => rows.map(({ run_at: at }) => new Date(at).getTime()));

describe('a booking of a service that is paused', () => {
  test('is neither reserved, paid nor settled, and may be asked for again under the same key; a wish to cancel it waits', async () => {
    await using it = await start();
    const [paid, cancelled] = [(await it.reserve([seat(1)], 'a')).booking?.id ?? '', (await it.reserve([seat(2)], 'b')).booking?.id ?? ''];
    await it.ingest.administration.pause(it.serviceId, null);
    const calls = it.platform.requests.length;
    expect([codes(await it.reserve([seat(3)], 'c')), codes(await it.pay(paid, 'd'))]).toEqual([['SERVICE_PAUSED'], ['SERVICE_PAUSED']]);
    expect(await it.cancel(cancelled, 'e')).toMatchObject({ booking: { state: 'CANCELLED' }, userErrors: [] });
    await it.settle(cancelled);
    expect([await claims(it), it.platform.requests.length, it.yookassa.requests.length]).toEqual([[seat(1), seat(2)], calls, 0]);
    await it.ingest.administration.resume(it.serviceId, null);
    await it.sql('delete from graphile_worker._private_jobs');
    await it.hub.database.em().transactional(async (em) => on['service.resumed']?.(em, { serviceId: it.serviceId } as never, it.hub));
    // Its job put itself off, and is promised for now.
    expect(await jobsOf(it, cancelled)).toHaveLength(1);
    await it.settle(cancelled);
    expect(await claims(it)).toEqual([seat(1)]);
    expect([(await it.reserve([seat(3)], 'c')).booking?.state, (await it.pay(paid, 'd')).booking?.state]).toEqual(['RESERVED', 'AWAITING_PAYMENT']);
  });
});

describe('a service with bookings that are not settled', () => {
  const remove = (it: TestTicketing, more: { readonly withData?: boolean; readonly force?: boolean } = {}) => it.ingest.administration.remove(it.serviceId, { withData: true, by: null, ...more });

  test('is not removed, nor told to push no more; once they are settled it is', async () => {
    await using it = await start();
    const [due, under] = [await confirmed(it, [seat(1)]), (await begunPayment(it, [seat(2)])).bookingId];
    it.yookassa.misbehave('status-500', /POST .*refunds/);
    await it.cancel(due, 'c');
    for (const withData of [true, false]) expect(await remove(it, { withData })).toMatchObject({ ok: false, code: 'BOOKINGS_UNSETTLED', field: 'input.serviceId', message: expect.stringMatching(/^2 bookings/) as string });
    expect([it.platform.webhooks.all.length, (await it.booking(due)).refund, await it.sql('select state from hub.services')]).toEqual([1, 'DUE', [{ state: 'ACTIVE' }]]);
    it.yookassa.misbehave('none');
    await it.settle(due);
    it.yookassa.giveUp(new URL((await it.booking(under)).confirmationUrl ?? '').searchParams.get('orderId') ?? '');
    await it.yookassa.settled();
    expect(await remove(it)).toMatchObject({ ok: false, message: expect.stringMatching(/^1 bookings/) as string });
    await it.cancel(under, 'd');
    expect(await remove(it)).toMatchObject({ ok: true });
    expect([it.yookassa.kept(), await it.sql('select id from ticketing.bookings'), it.platform.soldTimes(seat(2))]).toEqual([0, [], 0]);
  });
  test('is removed by force: what is kept of them stays as it was or expires, nothing begins any more, and nothing keeps the data from being removed', async () => {
    await using it = await start({ holdMs: 60_000 });
    const [due, had] = [await confirmed(it, [seat(1)]), await confirmed(it, [seat(2)])];
    const held = (await it.reserve([seat(4)], 'b')).booking?.id ?? '';
    it.yookassa.misbehave('status-500', /POST .*refunds/);
    await it.cancel(due, 'c');
    expect(await remove(it, { withData: false, force: true })).toMatchObject({ ok: true });
    expect(await it.sql(`select payload -> 'forced' as forced from hub.domain_events where type = 'service.removed'`)).toEqual([{ forced: true }]);
    it.advance(61_000);
    for (const id of [due, held]) await it.settle(id);
    expect([(await it.booking(due)).refund, (await it.booking(had)).state, (await it.booking(held)).state]).toEqual(['DUE', 'CONFIRMED', 'EXPIRED']);
    expect([codes(await it.cancel(had, 'd')), codes(await it.reserve([seat(3)], 'e'))]).toEqual([['SERVICE_REMOVED'], ['SERVICE_REMOVED']]);
    expect(await remove(it)).toMatchObject({ ok: true });
    // The request is remembered, its booking is not there any more.
    expect(codes(await it.cancel(due, 'c'))).toEqual(['BOOKING_NOT_FOUND']);
  });
  test('that is not removed after all, since somebody reserved after it was told to push no more, is told to push again', async () => {
    await using it = await start();
    const told = [...it.platform.webhooks.all];
    const { removing } = await it.hub.database.em().transactional(async (em) => {
      await lockService(em, it.serviceId);
      const begun = remove(it);
      await vi.waitFor(() => expect(it.platform.webhooks.all).toEqual([]), within);
      expect((await it.reserve([seat(1)], 'a')).booking?.state).toBe('RESERVED');
      return { removing: begun };
    });
    expect(await removing).toMatchObject({ ok: false, code: 'BOOKINGS_UNSETTLED' });
    expect(it.platform.webhooks.all).toEqual(told);
  });
  test('that is removed while others reserve is either removed without a booking, or keeps them all', async () => {
    await using it = await start();
    const [removed, ...answers] = await Promise.all([remove(it), ...Array.from({ length: 10 }, (_, number) => it.reserve([seat(number + 1)], 'a', buyer(number)))]);
    const reserved = answers.filter(({ booking }) => booking !== null);
    expect(await it.sql('select id from ticketing.bookings')).toHaveLength(removed.ok ? 0 : reserved.length);
    expect(answers.filter(({ booking }) => booking === null).every((answer) => ['SERVICE_REMOVED', 'EVENT_NOT_FOUND', 'TICKET_NOT_FOUND'].includes(codes(answer)[0] ?? ''))).toBe(true);
  });
});

describe('the job of a booking', () => {
  test('waits for a service whose settings are wrong until they are right again', async () => {
    await using it = await start({ holdMs: 60_000 });
    const { booking } = await it.reserve([seat(1)], 'a');
    const id = booking?.id ?? '';
    const [known] = await it.sql<{ settings: object }>('select settings from hub.services');
    await it.sql(`update hub.services set settings = '{"payments": {}}'`);
    it.advance(61_000);
    await it.settle(id);
    expect([(await it.booking(id)).state, await claims(it)]).toEqual(['EXPIRED', [seat(1)]]);
    await it.sql('update hub.services set settings = $1::jsonb', [JSON.stringify(known?.settings)]);
    await it.settle(id);
    expect(await claims(it)).toEqual([]);
  });
  test('is put off by nobody once it was promised for earlier, and is promised anew where it is lost', async () => {
    await using it = await start();
    const id = (await it.reserve([seat(1)], 'a')).booking?.id ?? '';
    const em = it.hub.database.em();
    await it.sql('delete from graphile_worker._private_jobs');
    await subgraph.maintain?.(em, it.clock.now, it.hub);
    const promised = await jobsOf(it, id);
    expect(promised).toHaveLength(1);
    await enqueueSettle(em, id, new Date(Date.now() + 3_600_000));
    expect(await jobsOf(it, id)).toEqual(promised);
    await enqueueSettle(em, id, new Date(0));
    expect(await jobsOf(it, id)).toEqual([0]);
    await it.cancel(id, 'b');
    await it.sql('delete from graphile_worker._private_jobs');
    await subgraph.maintain?.(em, it.clock.now, it.hub);
    expect(await jobsOf(it, id)).toEqual([]);
  });
});

test('the job of a booking that ends while the job looks, of which no other was promised since this one had not begun, comes again at once', async () => {
  await using it = await start();
  const id = await confirmed(it, [seat(1)]);
  await it.sql('delete from graphile_worker._private_jobs');
  await enqueueSettle(it.hub.database.em(), id);
  const { job } = await it.hub.database.em().transactional(async (em) => {
    await change(em, id, { type: 'endedByPlatform', status: 'cancelled', failure: { code: 'PLATFORM_CANCELLED', message: '', ticketIds: [] } }, it.clock.now);
    await enqueueSettle(em, id);
    // Now it begins, and finds the booking as it was before.
    await it.sql('delete from graphile_worker._private_jobs');
    const begun = it.settle(id);
    await vi.waitFor(async () => expect(await it.sql(`select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).toHaveLength(1), within);
    return { job: begun };
  });
  await job;
  const [promised] = await jobsOf(it, id);
  expect(promised).toBeLessThanOrEqual(Date.now());
  await it.settle(id);
  expect(await it.booking(id)).toMatchObject({ state: 'CANCELLED', refund: 'SUCCEEDED' });
});

describe('seats that one key has reserved', () => {
  test('are as many as the service is set to and no more, however many are asked for at once; those that are paid do not count', async () => {
    await using it = await start({ settings: { maxHeldSeats: 3 } });
    const answers = await Promise.all([1, 3, 5, 7].map((number) => it.reserve([seat(number), seat(number + 1)], `at once ${number}`)));
    expect(answers.flatMap(codes)).toEqual(Array.from({ length: 3 }, () => 'TOO_MANY_SEATS_HELD'));
    expect((await it.reserve([seat(11), seat(12), seat(13)], 'a', buyer(2))).booking?.state).toBe('RESERVED');
    const held = answers.find(({ booking }) => booking !== null)?.booking?.id ?? '';
    await it.cancel(held, 'b');
    await confirmed(it, [seat(21), seat(22), seat(23)]);
    // The key of what was refused is good for another try.
    const again = answers.findIndex(({ booking }) => booking === null);
    expect((await it.reserve([seat(again * 2 + 1), seat(again * 2 + 2)], `at once ${again * 2 + 1}`)).booking?.state).toBe('RESERVED');
  });
});
