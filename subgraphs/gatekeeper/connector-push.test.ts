import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConnectorContext, Push } from '#core/connector.ts';
import { fact as factSchema } from '#core/facts.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import { sign } from '#simulators/gatekeeper/pusher.ts';
import { connector } from './connector.ts';
import type { GatekeeperSettings } from './upstream.ts';

const begin = Date.UTC(2024, 5, 1, 9);
const minute = 60_000;
const secret = 'the secret that was exchanged';
/** A push is judged by itself: nobody is called. */
const context: ConnectorContext<GatekeeperSettings> = {
  service: { serviceId: 's1', serviceName: 'Gates', endpoints: { api: 'http://gates.test', webhook: null, healthCheck: 'http://gates.test/health' }, credentials: { type: 'none' }, settings: { eventId: 'test-event' }, pushSecret: secret, pushSecrets: [secret] },
  http: createUpstreamHttp({ allowPrivateAddresses: false }), httpFor: () => createUpstreamHttp({ allowPrivateAddresses: false }), hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(begin), signal: new AbortController().signal,
};

describe('a push', () => {
  const bodyOf = (extra: object = {}) => JSON.stringify({ event: 'attendance_checkin', eventId: 'test-event', sequence: 1, timestamp: new Date(begin).toISOString(), eventPeriod: { start: new Date(begin).toISOString(), end: new Date(begin + 120 * minute).toISOString() }, data: { checkIns: [{ id: 'c1', badgeId: 'b1', gateId: 'gate-1', at: new Date(begin).toISOString() }] }, ...extra });
  const pushOf = (body: string, { at = begin, key = secret } = {}): Push => {
    const timestamp = String(Math.floor(at / 1000));
    return { headers: { 'x-webhook-timestamp': timestamp, 'x-webhook-signature': sign(key, timestamp, body) }, query: {}, body: Buffer.from(body) };
  };
  const receive = async (push: Push) => {
    const result = await connector.receive?.(context, push);
    return result?.kind === 'facts' ? { ...result, kinds: result.facts.map(({ kind }) => kind) } : result;
  };

  test('brings facts when it is signed with the exchanged secret', async () => {
    expect(await receive(pushOf(bodyOf()))).toMatchObject({ kind: 'facts', facts: [{ kind: 'checkIn', upstreamId: 'c1', participant: 'hash of b1' }], rejected: [] });
    expect(await receive(pushOf(bodyOf({ event: 'gate_status', data: { gates: [{ id: 'g', status: 'failed', throughput: 0 }] } })))).toMatchObject({ facts: [{ kind: 'gate', status: 'FAILED' }] });
    expect(await receive(pushOf(bodyOf({ event: 'event_status_change', data: { status: 'ended' } })))).toMatchObject({ facts: [{ kind: 'status', status: 'ENDED' }] });
  });
  test('that is forged, altered, unsigned or replayed later is refused', async () => {
    const good = pushOf(bodyOf());
    const refused = async (push: Push, code: string) => expect(receive(push)).rejects.toMatchObject({ code });
    await refused(pushOf(bodyOf(), { key: 'another secret' }), 'PUSH_SIGNATURE_INVALID');
    await refused({ ...good, body: Buffer.from(bodyOf({ sequence: 2 })) }, 'PUSH_SIGNATURE_INVALID');
    await refused({ ...good, headers: {} }, 'PUSH_SIGNATURE_INVALID');
    await refused({ ...good, headers: { ...good.headers, 'x-webhook-timestamp': String(begin / 1000 + 1) } }, 'PUSH_SIGNATURE_INVALID');
    await refused(pushOf(bodyOf(), { at: begin - 301_000 }), 'PUSH_TIMESTAMP_INVALID');
    await refused(pushOf(bodyOf(), { at: begin + 365 * 86_400_000 }), 'PUSH_TIMESTAMP_INVALID');
  });
  test('is refused whatever bit of it is turned', async () => {
    const good = pushOf(bodyOf());
    await fc.assert(
      fc.asyncProperty(fc.nat(good.body.length * 8 - 1), async (bit) => {
        const body = Buffer.from(good.body);
        body.writeUInt8(body.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        await expect(connector.receive?.(context, { ...good, body })).rejects.toMatchObject({ code: 'PUSH_SIGNATURE_INVALID' });
      }),
    );
  });
  test('that is not as documented, or about another event, is malformed', async () => {
    for (const body of ['{"event":', '[]', 'null', bodyOf({ eventId: 'another' }), bodyOf({ data: { checkIns: 'many' } })]) await expect(receive(pushOf(body))).rejects.toMatchObject({ code: 'PUSH_MALFORMED' });
  });
  test('of any JSON is malformed, a hint or valid facts: nothing else', async () => {
    const value = fc.jsonValue();
    const shaped = fc.record({ event: fc.constantFrom('attendance_checkin', 'gate_status', 'event_status_change', 'news'), eventId: fc.constant('test-event'), eventPeriod: fc.constant({ start: new Date(begin).toISOString(), end: new Date(begin).toISOString() }), data: fc.record({ checkIns: fc.oneof(fc.array(value), value), gates: fc.oneof(fc.array(value), value), status: value }, { requiredKeys: [] }) });
    await fc.assert(
      fc.asyncProperty(fc.oneof(value, shaped), async (body) => {
        const result = await connector.receive?.(context, pushOf(JSON.stringify(body))).catch((error: { code: string }) => error.code);
        if (typeof result === 'string') expect(result).toBe('PUSH_MALFORMED');
        else if (result?.kind === 'facts') for (const fact of result.facts) factSchema.parse(fact);
      }),
    );
  });
  test('without items, period or known kind is a hint to ask', async () => {
    for (const extra of [{ data: { current: 5 } }, { eventPeriod: null }, { event: 'lost_property' }]) expect(await receive(pushOf(bodyOf(extra)))).toEqual({ kind: 'hint' });
  });
  test('with a bad item among good ones brings the good ones', async () => {
    const at = new Date(begin).toISOString();
    const result = await receive(pushOf(bodyOf({ data: { checkIns: [{ id: 'c1', badgeId: 'b', at }, { id: 'c2', badgeId: 'b', at: '1970-01-01T00:00:00Z' }, { id: 'c3', badgeId: 'b', at }, 5] } })));
    expect(result).toMatchObject({ facts: [{ upstreamId: 'c1' }, { upstreamId: 'c3' }], rejected: [{ upstreamId: 'checkIn:c2' }, { reason: expect.stringContaining('expected object') as string }] });
  });
});
