/** How clients get in, and how they are put out, over the running hub: OAuth 2.0 in a real browser, tokens, JWTs. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { readConfig } from '#core/config.ts';
import { freePort } from '#core/embedded-postgres.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { type TestIssuer, startIssuer } from '#gateway/identity/test-issuer.ts';
import { launchChromium } from '#scripts/chromium.ts';
import { authorize, createApplication } from '#subgraphs/access/oauth/test-browser.ts';
import { type HubProcess, startHub } from '../hub/hub.ts';
import { ask, makeDataDir, registerGates } from './hub-process.ts';
import { startPushingUpstream } from './pushing-upstream.ts';

const stack = new AsyncDisposableStack();
/** Where clients are; its database and its Redis are shared with another gateway, where admins are. */
let hub: HubProcess;
let admin: { url: string; adminKey: string };
let issuer: TestIssuer;
/** The application's own server, where people return to. */
let application: Server;
let redirectUri: string;

beforeAll(async () => {
  const database = stack.use(await cloneDatabase());
  const folder = stack.use(await makeDataDir());
  const upstream = stack.use(await startPushingUpstream());
  issuer = stack.use(await startIssuer());
  application = createServer((request, response) => response.end(`You are back: ${request.url?.split('?')[0]}`)).listen(0, '127.0.0.1');
  await once(application, 'listening');
  stack.defer(() => void application.close());
  redirectUri = `http://127.0.0.1:${(application.address() as AddressInfo).port}/back`;
  const issuers = JSON.stringify([{ issuer: issuer.issuer, audience: 'eventgraph', documents: 'any', tier: 'internal' }]);
  const [port, otherPort] = [await freePort(), await freePort()];
  // A database of Redis for these two alone: others keep answers there too.
  const shared = { DATABASE_URL: database.url, REDIS_URL: `${inject('redisUrl')}/5`, EVENTGRAPH_SECRET: randomBytes(32).toString('hex'), EVENTGRAPH_PUBLIC_URL: `http://127.0.0.1:${port}`, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true', EVENTGRAPH_JWT_ISSUERS: issuers };
  const start = async (own: { PORT: string; EVENTGRAPH_DATA_DIR: string }) => stack.use(await startHub({ config: readConfig({ ...shared, ...own }), role: { kind: 'all' }, logger: silentLogger, explorer: null }));
  hub = await start({ PORT: String(port), EVENTGRAPH_DATA_DIR: folder.path });
  const { adminKey } = await start({ PORT: String(otherPort), EVENTGRAPH_DATA_DIR: stack.use(await makeDataDir()).path });
  admin = { url: `http://127.0.0.1:${otherPort}`, adminKey: adminKey ?? '' };
  for (const id of ['a', 'b']) expect((await registerGates(admin, upstream, id, 86_400)).userErrors).toEqual([]);
});
afterAll(() => stack.disposeAsync());

const send = async (credential: string, query: string, variables: object = {}) => {
  const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` }, body: JSON.stringify({ query, variables }) });
  return { status: response.status, ...((await response.json()) as { data?: Record<string, unknown>; errors?: { extensions: { code: string; reason?: string } }[] }) };
};
const asAdmin = async <Data>(query: string, input: object): Promise<Data> => (await ask<Data>(admin.url, admin.adminKey, query, { input })).data;
const createKey = async (input: object = {}) => {
  const { createApiKey } = await asAdmin<{ createApiKey: { apiKey: string; key: { id: string } } }>('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey key { id } } }', { clientName: 'Box office', permissions: ['read_events', 'read_attendance'], tier: 'INTERNAL', ...input });
  return { key: createApiKey.apiKey, id: createApiKey.key.id };
};
const register = async (input: object = {}) => {
  type Answer = { registerOAuthClient: { clientSecret: string; client: { id: string } } };
  const { registerOAuthClient: made } = await asAdmin<Answer>('mutation ($input: RegisterOAuthClientInput!) { registerOAuthClient(input: $input) { clientSecret client { id } userErrors { code } } }', {
    clientName: 'Zapier', redirectUris: [redirectUri], grantTypes: ['AUTHORIZATION_CODE', 'CLIENT_CREDENTIALS'], permissions: ['read_events', 'read_attendance'], tier: 'INTERNAL', documents: 'ANY', ...input,
  });
  const client = { id: made.client.id, secret: made.clientSecret, redirectUri };
  return { ...client, application: createApplication(hub.url, client) };
};

const live = 'subscription { attendanceChanged(eventIds: ["a"]) { attendance { currentAttendees } } }';
const listen = async (credential: string): Promise<{ socket: Promise<number>; stream: Promise<string> }> => {
  let close: (code: number) => void;
  const socket = new Promise<number>((resolve) => (close = resolve));
  const client: Client = createClient({ url: `${hub.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { authorization: `Bearer ${credential}` }, retryAttempts: 0, on: { closed: (event) => close((event as { code: number }).code) } });
  stack.defer(() => client.dispose());
  const messages = client.iterate({ query: live });
  expect((await messages.next()).value).toMatchObject({ data: { attendanceChanged: {} } });
  messages.next().catch(() => undefined);
  const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${credential}` }, body: JSON.stringify({ query: live }) });
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  const { value: first = '' } = await reader.read();
  const stream = (async () => {
    let told = first;
    for (let part = await reader.read(); !part.done; part = await reader.read()) told += part.value;
    return told;
  })();
  return { socket, stream };
};
/** A machine that has much else to do may take longer than a second, but none waits until every credential is looked at anew (5 s). */
const soon = <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, new Promise<never>((_, reject) => AbortSignal.timeout(3_000).addEventListener('abort', () => reject(new Error('it was not told'))))]);

describe('what is revoked at one gateway loses its socket and its stream at another within a second', () => {
  const revoke = (id: string) => ask(admin.url, admin.adminKey, `mutation { revokeApiKey(input: {id: "${id}"}) { userErrors { code } } }`);
  const connected = async () => {
    const [client, key] = [await register(), await createKey()];
    const tokens = await client.application.exchange(await authorize(client.application, client, key.key, 'read_events read_attendance'));
    return { client, key, token: tokens.access_token };
  };
  const cases: Record<string, () => Promise<{ credential: string; end: () => Promise<unknown> }>> = {
    'a key': async () => {
      const key = await createKey();
      return { credential: key.key, end: () => revoke(key.id) };
    },
    'a token, with the key that minted it': async () => {
      const key = await createKey();
      const { data } = await send(key.key, 'mutation { mintToken(input: {permissions: ["read_events", "read_attendance"], expiresInSeconds: 600}) { token } }');
      return { credential: (data?.mintToken as { token: string }).token, end: () => revoke(key.id) };
    },
    'an access token, by its client': async () => {
      const { client, token } = await connected();
      return { credential: token, end: () => createApplication(admin.url, client).revoke(token) };
    },
    'an access token, with the key that granted it': async () => {
      const { key, token } = await connected();
      return { credential: token, end: () => revoke(key.id) };
    },
    'an access token, with its grant, by the key': async () => {
      const { key, token } = await connected();
      const { data } = await send(key.key, '{ oauthGrants { edges { node { id } } } }');
      const id = (data?.oauthGrants as { edges: { node: { id: string } }[] }).edges[0]?.node.id ?? '';
      return { credential: token, end: () => ask(admin.url, key.key, `mutation { revokeOAuthGrant(input: {id: "${id}"}) { userErrors { code } } }`) };
    },
    'client credentials, with the client': async () => {
      const client = await register();
      return { credential: (await client.application.byItself()).access_token, end: () => ask(admin.url, admin.adminKey, `mutation { revokeOAuthClient(input: {id: "${client.id}"}) { userErrors { code } } }`) };
    },
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const made = await cases[name]?.();
    if (!made) throw new Error(name);
    const { socket, stream } = await listen(made.credential);
    await made.end();
    expect(await soon(socket)).toBe(4403);
    expect(await soon(stream)).toContain('UNAUTHENTICATED');
    expect((await send(made.credential, '{ __typename }')).status).toBe(401);
  });
});

describe('a person in a browser', () => {
  test('shows a key, sees what is asked for, allows a part of it and returns; nothing on the pages breaks their policy', async () => {
    const client = await register({ clientName: 'Zapier <b>' });
    const { key } = await createKey({ eventAccess: ['a'] });
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(client.application.authorizeUrl('read_events read_attendance'));
      expect(await page.title()).toContain('Sign in');
      await page.getByLabel('API key').fill('IPK_wrong');
      await page.getByRole('button', { name: 'Continue' }).click();
      expect(await page.getByRole('alert').textContent()).toContain('not known');
      await page.getByLabel('API key').fill(key);
      await page.getByRole('button', { name: 'Continue' }).click();
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Allow “Zapier <b>” access?');
      expect(await page.getByRole('listitem').allTextContents()).toEqual(['a']);
      await page.getByLabel('Read attendance').uncheck();
      await page.getByRole('button', { name: 'Allow' }).click();
      await page.waitForURL(`${redirectUri}**`);
      expect(await page.textContent('body')).toBe('You are back: /back');
      expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
      const tokens = await client.application.exchange(new URL(page.url()).searchParams.get('code') ?? '');
      expect(tokens).toMatchObject({ status: 200, scope: 'read_events' });
      expect(await send(tokens.access_token, '{ viewer { clientName permissions eventAccess } events { edges { node { id } } } }')).toMatchObject({ data: { viewer: { clientName: 'Zapier <b>', permissions: ['read_events'], eventAccess: ['a'] }, events: { edges: [{ node: { id: 'a' } }] } } });
    } finally {
      await browser.close();
    }
  });

  test('denies, and the application is told', async () => {
    const client = await register();
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(client.application.authorizeUrl('read_events'));
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.waitForURL(`${redirectUri}**`);
      expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied');
    } finally {
      await browser.close();
    }
  });
});

describe('a JWT of a configured issuer', () => {
  test('sees what its claims allow', async () => {
    const token = await issuer.sign({ scope: 'read_events', events: ['b'] });
    expect(await send(token, '{ viewer { id } events { edges { node { id attendance { currentAttendees } } } } }')).toMatchObject({ data: { viewer: null, events: { edges: [{ node: { id: 'b', attendance: null } }] } } });
  });
  test('is 401 with a reason when it does not hold, and never a fault', async () => {
    for (const [claims, reason] of [[{ exp: 1 }, 'expired'], [{ aud: 'another' }, 'audience'], [{ iss: 'https://elsewhere.test' }, 'issuer'], [{ exp: 4_000_000_000 }, 'lifetime']] as const)
      expect(await send(await issuer.sign(claims), '{ __typename }')).toMatchObject({ status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED', reason } }] });
  });
  test('takes what it holds open with it when it expires', async () => {
    const { socket, stream } = await listen(await issuer.sign({ scope: 'read_events read_attendance', events: '*', exp: Math.floor(Date.now() / 1000) + 6 }));
    expect(await socket).toBe(4403);
    expect(await stream).toContain('UNAUTHENTICATED');
  });
});
