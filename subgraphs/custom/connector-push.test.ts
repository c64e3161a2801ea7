import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Push } from '#core/connector.ts';
import { fact as factSchema } from '#core/facts.ts';
import { pushToken } from '#core/secrets.ts';
import { bodyOf } from '#simulators/custom/world.ts';
import { type Push as SignedPush, type Signing, signPush } from '#simulators/custom/webhooks.ts';
import { connector } from './connector.ts';
import { settings, type CustomContext } from './connector-settings.ts';
import { begin, list, start } from './test-connector.ts';

const hubSecret = 'the hub made this secret';
const shared = 'a secret that the service chose';
const standardSecret = `whsec_${Buffer.from('a secret of twenty-four bytes').toString('base64')}`;

/** A push is judged by itself: nobody is called. */
const contextOf = (webhook: object | undefined, { webhookSecret = shared as string | null, now = begin } = {}): CustomContext => ({
  service: { serviceId: 's1', serviceName: 'x', endpoints: { api: 'http://x.test', webhook: null, healthCheck: 'http://x.test' }, credentials: { type: 'none', ...(webhookSecret === null ? {} : { webhookSecret }) }, settings: settings.parse({ resources: [list('scans')], ...(webhook ? { webhook } : {}) }), pushSecret: hubSecret, pushSecrets: [hubSecret] },
  http: undefined as never, httpFor: () => undefined as never, hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(now), signal: new AbortController().signal,
});
const body = JSON.stringify(bodyOf('scans', [{ n: 1, ref: 'fair', pass: 7, t: begin, dir: 'in', door: 'north' }], null));
const mapped = { items: 'answer.scans', mapping: list('scans').mapping };
const pushOf = ({ headers, body: sent }: SignedPush, query: Push['query'] = {}): Push => ({ headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])), query, body: Buffer.from(sent) });
const receive = (context: CustomContext, push: Push) => connector.receive?.(context, push);
const facts = { kind: 'facts', facts: [{ kind: 'checkIn', upstreamId: '1', participant: 'hash of 7' }], rejected: [] };
const refused = async (context: CustomContext, push: Push, code: string) => expect(receive(context, push)).rejects.toMatchObject({ code });

const hmacs: [string, object, Signing][] = [
  ['the body alone, as hex', { by: 'hmac', header: 'X-Desk-Signature' }, { kind: 'hmac', header: 'X-Desk-Signature', algorithm: 'sha256', encoding: 'hex', prefix: '' }],
  ['the body alone, as Base64 behind a prefix', { by: 'hmac', header: 'X-Sign', algorithm: 'sha1', encoding: 'base64', prefix: 'sha1=' }, { kind: 'hmac', header: 'X-Sign', algorithm: 'sha1', encoding: 'base64', prefix: 'sha1=' }],
  ['time and body', { by: 'hmac', header: 'X-Sign', algorithm: 'sha512', prefix: 'v1=', timestampHeader: 'X-Time' }, { kind: 'hmac', header: 'X-Sign', algorithm: 'sha512', encoding: 'hex', prefix: 'v1=', timestampHeader: 'X-Time' }],
];

describe('a push that is signed by HMAC over', () => {
  test.each(hmacs)('%s brings facts; forged or altered it is refused', async (_what, verify, signing) => {
    const context = contextOf({ verify, ...mapped });
    const good = signPush(signing, shared, body, begin);
    expect(await receive(context, pushOf(good))).toMatchObject(facts);
    await refused(context, pushOf(signPush(signing, 'another secret', body, begin)), 'PUSH_SIGNATURE_INVALID');
    await refused(context, pushOf({ ...good, body: `${body} ` }), 'PUSH_SIGNATURE_INVALID');
    await refused(context, pushOf({ ...good, headers: {} }), 'PUSH_SIGNATURE_INVALID');
  });
  test('time and body is refused when it is replayed later, or its time was changed', async () => {
    const [, verify, signing] = hmacs[2] as (typeof hmacs)[number];
    const good = pushOf(signPush(signing, shared, body, begin));
    expect(await receive(contextOf({ verify, ...mapped }, { now: begin + 300_000 }), good)).toMatchObject(facts);
    await refused(contextOf({ verify, ...mapped }, { now: begin + 301_000 }), good, 'PUSH_TIMESTAMP_INVALID');
    await refused(contextOf({ verify, ...mapped }, { now: begin - 301_000 }), good, 'PUSH_TIMESTAMP_INVALID');
    await refused(contextOf({ verify, ...mapped }), { ...good, headers: { ...good.headers, 'x-time': String(begin / 1000 + 1) } }, 'PUSH_SIGNATURE_INVALID');
    await refused(contextOf({ verify, ...mapped }), pushOf(signPush(signing, shared, body, NaN)), 'PUSH_TIMESTAMP_INVALID');
  });
  test('a payload of its own is checked as declared', async () => {
    const context = contextOf({ verify: { by: 'hmac', header: 'X-Sign', timestampHeader: 'X-Time', signedPayload: 'v0:{timestamp}:{body}' }, ...mapped });
    const { createHmac } = await import('node:crypto');
    const sign = (time: string) => createHmac('sha256', shared).update(`v0:${time}:${body}`).digest('hex');
    for (const time of [String(begin / 1000), String(begin), new Date(begin).toISOString()]) expect(await receive(context, pushOf({ headers: { 'X-Time': time, 'X-Sign': sign(time).toUpperCase() }, body }))).toMatchObject(facts);
  });
  test('anything is refused whatever bit of it is turned', async () => {
    const context = contextOf({ verify: hmacs[0]?.[1], ...mapped });
    const good = pushOf(signPush(hmacs[0]?.[2] as Signing, shared, body, begin));
    await fc.assert(
      fc.asyncProperty(fc.nat(good.body.length * 8 - 1), async (bit) => {
        const turned = Buffer.from(good.body);
        turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        await refused(context, { ...good, body: turned }, 'PUSH_SIGNATURE_INVALID');
      }),
    );
  });
});

describe('a push otherwise', () => {
  test('by Standard Webhooks is taken when it is signed and fresh', async () => {
    vi.useFakeTimers({ now: begin, toFake: ['Date'] });
    try {
      const context = contextOf({ verify: { by: 'standardWebhooks' }, ...mapped }, { webhookSecret: standardSecret });
      const good = signPush({ kind: 'standardWebhooks' }, standardSecret, body, begin);
      expect(await receive(context, pushOf(good))).toMatchObject(facts);
      await refused(context, pushOf({ ...good, body: `${body} ` }), 'PUSH_SIGNATURE_INVALID');
      await refused(context, pushOf({ ...good, headers: {} }), 'PUSH_SIGNATURE_INVALID');
      await refused(context, pushOf(signPush({ kind: 'standardWebhooks' }, `whsec_${Buffer.from('another').toString('base64')}`, body, begin)), 'PUSH_SIGNATURE_INVALID');
      vi.setSystemTime(begin + 301_000);
      await refused(context, pushOf(good), 'PUSH_TIMESTAMP_INVALID');
    } finally {
      vi.useRealTimers();
    }
  });
  test('by the token of its URL is taken from whoever knows it', async () => {
    const context = contextOf({ verify: { by: 'token' }, ...mapped });
    expect(await receive(context, pushOf({ headers: {}, body }, { token: pushToken(hubSecret) }))).toMatchObject(facts);
    for (const query of [{}, { token: 'guessed' }, { token: pushToken('another') }]) await refused(context, pushOf({ headers: {}, body }, query), 'PUSH_SIGNATURE_INVALID');
  });
  test('by nothing is a hint and nothing else, whatever it carries', async () => {
    expect(await receive(contextOf({ verify: { by: 'none' }, ...mapped }), pushOf({ headers: {}, body }))).toEqual({ kind: 'hint' });
    expect(await receive(contextOf({ verify: { by: 'token' } }), pushOf({ headers: {}, body: 'not even JSON' }, { token: pushToken(hubSecret) }))).toEqual({ kind: 'hint' });
  });
  test('that is not declared, not JSON or never maps is refused', async () => {
    const token = { token: pushToken(hubSecret) };
    await refused(contextOf(undefined), pushOf({ headers: {}, body }, token), 'PUSH_SIGNATURE_INVALID');
    await refused(contextOf({ verify: { by: 'token' }, ...mapped }), pushOf({ headers: {}, body: '{' }, token), 'PUSH_MALFORMED');
    await refused(contextOf({ verify: { by: 'token' }, ...mapped, items: '$error("no")' }), pushOf({ headers: {}, body }, token), 'PUSH_MALFORMED');
  });
  test('of any JSON brings valid facts, or reasons', async () => {
    const context = contextOf({ verify: { by: 'token' }, ...mapped, schema: { type: 'object' } });
    const scan = fc.record({ n: fc.jsonValue(), ref: fc.constantFrom('fair', '', null), pass: fc.jsonValue(), t: fc.oneof(fc.integer(), fc.jsonValue()), dir: fc.constantFrom('in', 'out', 5) }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.record({ answer: fc.record({ scans: fc.array(fc.oneof(scan, fc.jsonValue())) }) })), async (sent) => {
        const result = await receive(context, pushOf({ headers: {}, body: JSON.stringify(sent) }, { token: pushToken(hubSecret) }));
        expect(result?.kind).toBe('facts');
        if (result?.kind === 'facts') for (const each of result.facts) factSchema.parse(each);
      }),
      { numRuns: 50 },
    );
  });
});

describe('keys', () => {
  test('are told to the service as declared, and withdrawn again', async () => {
    const webhook = { verify: { by: 'hmac', header: 'X-Sign' }, ...mapped, subscribe: { path: 'hooks', body: '{"target": $webhook.url, "key": $webhook.secret}' }, unsubscribe: { path: 'hooks', method: 'DELETE', body: '{"target": $webhook.url}' } };
    await using own = await start({ webhook: 'https://hub.test/ingest/s1?token=t', wanted: { webhook } });
    await connector.exchangeKeys?.(own.contextOf());
    expect(own.desk.hooks).toEqual([{ url: 'https://hub.test/ingest/s1?token=t', secret: hubSecret }]);
    expect(await receive(own.contextOf(), pushOf(signPush({ kind: 'hmac', header: 'X-Sign', algorithm: 'sha256', encoding: 'hex', prefix: '' }, hubSecret, body, begin)))).toMatchObject(facts);
    await connector.withdrawKeys?.(own.contextOf());
    expect(own.desk.hooks).toEqual([]);
  });
  test('of pushes by token or a standard are told likewise, and nothing where nothing is declared', async () => {
    const subscribe = { path: 'hooks', body: '{"target": $webhook.url, "key": $webhook.secret}' };
    await using own = await start({ webhook: 'https://hub.test/ingest/s1?token=t' });
    await connector.exchangeKeys?.(own.contextOf());
    await connector.exchangeKeys?.(own.contextOf({ webhook: { verify: { by: 'token' }, subscribe } }));
    await connector.exchangeKeys?.(own.contextOf({ webhook: { verify: { by: 'standardWebhooks' }, subscribe } }));
    expect(own.desk.hooks.map(({ secret }) => secret)).toEqual([null, `whsec_${Buffer.from(hubSecret).toString('base64')}`]);
  });
  test('that are missing or no keys are told at registration, by their field', async () => {
    for (const [webhookSecret, by, code] of [[null, { by: 'hmac', header: 'X' }, 'CREDENTIALS_INCOMPLETE'], ['%%%', { by: 'standardWebhooks' }, 'CREDENTIALS_INVALID']] as const)
      await expect(connector.checkHealth(contextOf({ verify: by }, { webhookSecret }))).rejects.toMatchObject({ code, facts: { field: 'input.authentication.credentials.webhookSecret' } });
  });
});
