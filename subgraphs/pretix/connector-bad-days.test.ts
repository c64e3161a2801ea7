import { describe, expect, test } from 'vitest';
import { PushError } from '#core/errors.ts';
import { factsOf } from '#core/facts.ts';
import { pushToken } from '#core/secrets.ts';
import { badDays } from '#simulators/pretix/bad-days.ts';
import { begin, record, start } from './test-connector.ts';
import { pressing } from '#core/upstream-http.ts';
import { roomOf } from './connector-settings.ts';
import { connector } from './connector.ts';

describe('a bad day', () => {
  test('of one event costs only its own news', async () => {
    await using it = await start();
    await it.visitor.buy('conf', ['Regular']);
    it.pretix.misbehave('status-500', /events\/conf\/quotas/);
    const { facts, rejected } = await it.pull();
    expect(rejected).toEqual([{ upstreamId: 'pretix.offer:conf', reason: expect.stringContaining('UPSTREAM_STATUS'), raw: null }]);
    expect(factsOf(facts, 'registration')).toHaveLength(1);
    expect(factsOf(facts, 'observation').map(({ eventId }) => eventId)).not.toContain('acme-conf');
    it.pretix.misbehave('none');
    it.clock.advance(60_000);
    expect(record((await it.pull()).facts, 'pretix.quota').map(({ data }) => data?.slug)).toEqual(['conf']);
  });
  for (const day of badDays.filter((each) => each !== 'none'))
    test(`of the whole server (${day}) ends the pull with a reason, and the next one goes on`, async () => {
      await using it = await start({}, { timeoutMs: day === 'hang' ? 2_000 : 10_000 });
      await it.pull();
      await it.visitor.buy('conf', ['Regular']);
      it.pretix.misbehave(day, /\/orders\//);
      await expect(it.pull()).rejects.toMatchObject({ code: expect.stringMatching(/^UPSTREAM_(TIMEOUT|STATUS|NOT_JSON|SHAPE)$/) });
      it.pretix.misbehave('none');
      expect(factsOf((await it.pull()).facts, 'registration')).toHaveLength(1);
    });
  test('with a wrong token, or over the rate limit, says so', async () => {
    await using wrong = await start({}, { apiKey: 'nobody' });
    await expect(connector.checkHealth(wrong.context)).rejects.toMatchObject({ code: 'UPSTREAM_STATUS', facts: { status: 401 } });
    await using busy = await start({}, { requestsPerMinute: 2 });
    await expect(busy.pull()).rejects.toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterMs: 60_000 });
  });
  test('of ours, with no call left in the minute, is not blamed on pretix: it is asked for its health all the same', async () => {
    await using it = await start({ requestsPerMinute: 1 });
    // As ingestion asks for it.
    const context = { ...it.context, http: pressing(it.context.http), signal: AbortSignal.timeout(2_000) };
    await connector.checkHealth(context);
    await connector.checkHealth(context);
    expect(it.pretix.requests).toHaveLength(2);
    expect(await roomOf(it.context)).toBeLessThanOrEqual(0);
  });
  test('of a clock that runs a year ahead wins over nothing that is told later', async () => {
    await using it = await start();
    const { code } = await it.visitor.buy('conf', ['Regular']);
    const order = it.pretix.world.events.get('conf')?.orders[0];
    if (order) order.last_modified = '2025-06-01T09:00:00.000000Z';
    expect(record((await it.pull()).facts, 'pretix.order')[0]).toMatchObject({ upstreamId: code, at: new Date(begin) });
  });
});

describe('a push', () => {
  const push = (body: unknown, token: unknown = pushToken('x')) => ({ headers: {}, query: { token } as Record<string, string>, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
  const told = { notification_id: 1, organizer: 'acme', event: 'conf', code: 'ABC23', action: 'pretix.event.order.placed' };
  test('is a hint and never a fact', async () => {
    await using it = await start();
    expect(await connector.receive?.(it.context, push(told))).toEqual({ kind: 'hint' });
    expect(await connector.receive?.(it.context, push({ notification_id: 2, organizer: 'acme', event: 'conf', subevent: 3, action: 'pretix.subevent.changed' }))).toEqual({ kind: 'hint' });
  });
  test('whose URL has no token, or another service’s, is refused', async () => {
    await using it = await start();
    for (const token of [undefined, '', 'x', pushToken('another'), pushToken('x').slice(1), `${pushToken('x')}0`, [pushToken('x'), 'x']]) await expect(connector.receive?.(it.context, { ...push(told), query: { token } as Record<string, string> })).rejects.toMatchObject({ code: 'PUSH_SIGNATURE_INVALID' });
  });
  test('of another organizer, or that is none, is refused', async () => {
    await using it = await start();
    for (const body of [{ ...told, organizer: 'else' }, { ...told, action: 'rm -rf' }, { ...told, notification_id: 'x' }, {}, [], 'half {', '']) await expect(connector.receive?.(it.context, push(body))).rejects.toMatchObject({ code: 'PUSH_MALFORMED' });
    await expect(connector.receive?.(it.context, push('x'))).rejects.toBeInstanceOf(PushError);
  });
  test('is asked for once, and comes when somebody buys', async () => {
    await using it = await start();
    const context = { ...it.context, service: { ...it.context.service, endpoints: { ...it.context.service.endpoints, webhook: 'http://127.0.0.1:9/ingest/s1' } } };
    await connector.exchangeKeys?.(context);
    await connector.exchangeKeys?.(context);
    expect(it.pretix.webhooks.all.map(({ target_url, enabled }) => [target_url, enabled])).toEqual([['http://127.0.0.1:9/ingest/s1', true]]);
    await it.visitor.buy('conf', ['Regular']);
    await it.pretix.webhooks.settled();
    expect(it.pretix.webhooks.counts().failed).toBe(2);
  });
  test('is asked for no more when its keys are withdrawn: that webhook alone, and once is enough', async () => {
    await using it = await start();
    const at = (webhook: string | null) => ({ ...it.context, service: { ...it.context.service, endpoints: { ...it.context.service.endpoints, webhook } } });
    const [own, another] = [at('http://127.0.0.1:9/ingest/s1?token=own'), at('http://127.0.0.1:9/ingest/s2?token=another')];
    for (const context of [own, another]) await connector.exchangeKeys?.(context);
    await connector.withdrawKeys?.(own);
    const enabled = () => it.pretix.webhooks.all.filter((each) => each.enabled).map(({ target_url }) => target_url);
    expect(enabled()).toEqual([another.service.endpoints.webhook]);
    await connector.withdrawKeys?.(own);
    await connector.withdrawKeys?.(at(null));
    expect(enabled()).toEqual([another.service.endpoints.webhook]);
    await it.visitor.buy('conf', ['Regular']);
    await it.pretix.webhooks.settled();
    // Two kinds of change, told to the other alone.
    expect(it.pretix.webhooks.counts().failed).toBe(2);
    await connector.exchangeKeys?.(own);
    expect(enabled()).toEqual([another.service.endpoints.webhook, own.service.endpoints.webhook]);
  });
});
