/** REST, pushes and OAuth: any path and any parameter is answered without a fault of ours, and each refusal has a code. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nastyJson, nastyText, nearly } from './fuzzed-documents.ts';
import { type FuzzedHub, type Received, type Sent, checkAnswer, checkTold, runs, startFuzzedHub } from './fuzzed-hub.ts';

type Described = { readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly parameters?: readonly { readonly in: string; readonly name: string }[]; readonly requestBody?: unknown }>>>> };
type Route = { readonly path: string; readonly method: string; readonly names: readonly string[]; readonly takesBody: boolean };

let hub: FuzzedHub;
let routes: readonly Route[];
beforeAll(async () => {
  hub = await startFuzzedHub();
  const { paths } = JSON.parse((await hub.send({ path: '/api/openapi.json' })).text) as Described;
  routes = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({ path, method: method.toUpperCase(), names: parameters.filter((each) => each.in === 'query').map(({ name }) => name), takesBody: requestBody !== undefined })));
});
afterAll(() => hub[Symbol.asyncDispose]());
afterEach(() => hub.isWell());

const asAdmin = (sent: Sent): Promise<Received> => hub.send({ ...sent, headers: { authorization: `Bearer ${hub.adminKey}`, ...sent.headers } });
const escape = (text: string): string => encodeURIComponent(text.toWellFormed());
const json = { 'content-type': 'application/json' };
/** Bodies that some of the routes take. */
const body = fc.oneof(nearly({ clientName: 'x', permissions: ['read_events'], eventAccess: ['fair'], expiresAt: '2030-01-01T00:00:00Z', tier: 'PARTNER', documents: 'ANY' }), nearly({ serviceType: 'gatekeeper', serviceName: 'x', eventId: 'other', serviceEndpoint: 'http://127.0.0.1:1', apiKey: 'x' }), nearly({ event_id: 'x', event: 'purchase', user_id: 'x', parameters: { order_id: 'x', currency: 'EUR', price: 1 }, hub_event_id: 'fair' }), nastyJson).map((value) => JSON.stringify(value) ?? '');

describe('REST', () => {
  test('parameters of any kind on every path', async () => {
    expect(routes.length).toBeGreaterThan(5);
    for (const { path, method, names, takesBody } of routes) {
      const query = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names, 'x'), nastyText), nastyText), { maxLength: 4 }).map((pairs) => pairs.map(([name, value]) => `${escape(name)}=${escape(value)}`).join('&'));
      const inPath = fc.oneof(fc.constant('fair'), nastyText.map(escape), fc.constantFrom('%', '%00', '%ff', '%2f..%2f', '..', 'a'.repeat(600)));
      await fc.assert(fc.asyncProperty(query, inPath, body, async (text, part, sent) => {
        const url = `${path.replaceAll(/\{\w+\}/g, () => part)}?${text}`;
        checkAnswer(await asAdmin(takesBody ? { method, path: url, headers: json, body: sent } : { method, path: url }));
      }), runs(25));
    }
  });

  test('idempotency keys and bodies of any kind', async () => {
    const key = fc.oneof(fc.string({ unit: fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff })).map((code) => String.fromCharCode(code)), maxLength: 300 }), fc.constantFrom('"a', '""', 'a, b', 'x'));
    const text = fc.oneof(body, nastyText, fc.constantFrom('{', '[', 'null', `{"clientName":${'['.repeat(50_000)}${']'.repeat(50_000)}}`));
    await fc.assert(fc.asyncProperty(key, text, async (given, sent) => checkAnswer(await asAdmin({ method: 'POST', path: '/api/platform/api-keys/create', headers: { ...json, 'idempotency-key': given }, body: sent }))), runs(60));
  });

  test('paths of any kind', async () => {
    const piece = fc.oneof(fc.constantFrom('api', 'v1', 'events', 'public', 'partner', 'fair', 'attendance', '..', '.', '', '%2e%2e', '%00', '%', '%c0%ae', 'openapi.json', 'docs', '{eventId}', ':eventId', '*', 'graphql', 'ingest', 'health', 'explorer'), nastyText.map(escape));
    const path = fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join('/')}`);
    await fc.assert(fc.asyncProperty(path, fc.constantFrom('GET', 'POST', 'DELETE', 'OPTIONS'), async (where, method) => {
      const answer = await asAdmin({ method, path: where });
      if (answer.status < 400) checkTold(answer.text);
      else checkAnswer(answer);
    }), runs(200));
  });
});

test('pushes of any kind are refused, and nothing is stored', async () => {
  const header = fc.constantFrom('x-webhook-signature', 'x-webhook-timestamp', 'content-type', 'x-gatekeeper-signature');
  const headers = fc.array(fc.tuple(header, fc.string({ maxLength: 80 })), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs));
  await fc.assert(fc.asyncProperty(fc.oneof(nastyText.map(escape), fc.constant('svc_none')), headers, fc.oneof(nastyJson.map((value) => JSON.stringify(value) ?? ''), nastyText), async (service, given, sent) => {
    const answer = await hub.send({ method: 'POST', path: `/ingest/${service}`, headers: given, body: sent });
    checkAnswer(answer);
    expect(answer.status).toBeGreaterThanOrEqual(400);
  }), runs(80));
});

test('OAuth: any parameters are refused in the words of its standard', async () => {
  const path = fc.constantFrom('/oauth/auth', '/oauth/token', '/oauth/token/introspection', '/oauth/token/revocation', '/oauth/me', '/oauth/jwks', '/oauth/reg', '/oauth/interaction/x', '/oauth/.well-known/openid-configuration', '/.well-known/oauth-authorization-server');
  const value = fc.oneof(nastyText, fc.constantFrom('authorization_code', 'client_credentials', 'refresh_token', 'code', 'S256', 'http://127.0.0.1/back', 'openid read_events', 'query', 'none'));
  const name = fc.constantFrom('client_id', 'client_secret', 'grant_type', 'response_type', 'redirect_uri', 'scope', 'code', 'code_challenge', 'code_challenge_method', 'code_verifier', 'state', 'refresh_token', 'token', 'prompt', 'request', 'claims', 'resource');
  const form = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((pairs) => pairs.map(([key, text]) => `${key}=${escape(text)}`).join('&'));
  await fc.assert(fc.asyncProperty(path, form, fc.boolean(), async (where, text, isPost) => {
    const answer = await hub.send(isPost ? { method: 'POST', path: where, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: text } : { path: `${where}?${text}` });
    expect(answer.status, answer.text).toBeLessThan(500);
    checkTold(answer.text);
    if (String(answer.headers['content-type']).startsWith('application/json') && answer.status >= 400) expect(Object.keys(JSON.parse(answer.text) as object).some((key) => key === 'error' || key === 'errors'), answer.text).toBe(true);
  }), runs(120));
});
