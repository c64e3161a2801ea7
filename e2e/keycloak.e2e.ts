/** People and clients of a real Keycloak at a running hub: what their tokens are worth, and which are worth nothing. */
import { type CryptoKey, type JWK, SignJWT, decodeJwt, decodeProtectedHeader, exportSPKI, importJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Keycloak, startKeycloak } from '#scripts/keycloak/keycloak.ts';
import { createTicketingSimulator } from '#simulators/ticketing/index.ts';
import { type HubProcess, ask, askUntil, makeDataDir, plainHub, registerGates, startHubProcess } from './hub-process.ts';
import { startPushingUpstream } from './pushing-upstream.ts';

const ada = { username: 'ada', password: "ada's password" };
const cleo = { username: 'cleo', password: "cleo's password" };
const bob = { username: 'bob', password: "bob's password" };

const stack = new AsyncDisposableStack();
let keycloak: Keycloak;
/** Takes the claims as they are by default. */
let hub: HubProcess;
/** Is set to other claims, and to allow less. */
let strict: HubProcess;

beforeAll(async () => {
  keycloak = stack.use(await startKeycloak({ log: (line) => process.stderr.write(`${line}\n`) }));
  const upstream = stack.use(await startPushingUpstream());
  const start = async (settings: object): Promise<HubProcess> => {
    const folder = stack.use(await makeDataDir());
    const issuers = [{ issuer: keycloak.issuer, audience: 'eventgraph', documents: 'any', clockToleranceSeconds: 0, ...settings }];
    const started = stack.use(await startHubProcess({ ...(await plainHub(folder.path)), EVENTGRAPH_JWT_ISSUERS: JSON.stringify(issuers) }));
    for (const id of ['mine', 'theirs']) expect((await registerGates(started, upstream, id, 86_400)).userErrors).toEqual([]);
    return started;
  };
  hub = await start({});
  strict = await start({ permissions: ['read_events'], eventsUnlessClaimed: 'all', claims: { permissions: ['resource_access.eventgraph.roles', 'scope', 'realm_access.roles'], events: 'their_events' } });
});
afterAll(() => stack.disposeAsync());

type Told = { readonly status: number; readonly data?: { readonly events: { readonly edges: readonly { readonly node: { readonly id: string; readonly attendance: { readonly currentAttendees: number } | null } }[] } }; readonly errors?: readonly { readonly extensions: { readonly code: string; readonly reason?: string } }[] };
const send = async (token: string, query = '{ events(filter: {ids: ["mine", "theirs"]}, orderBy: NAME_ASC) { edges { node { id attendance { currentAttendees } } } } }', at = hub): Promise<Told> => {
  const response = await fetch(`${at.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify({ query }) });
  return { status: response.status, ...((await response.json()) as Omit<Told, 'status'>) };
};
/** Events that are seen, and whether with attendance. */
const seen = ({ data }: Told) => data?.events.edges.map(({ node }) => [node.id, node.attendance !== null]);
const reasonOf = ({ status, errors }: Told) => [status, errors?.[0]?.extensions.code, errors?.[0]?.extensions.reason];

describe('a token is worth what its claims say', () => {
  test('of a person who logged in, by roles and events', async () => {
    expect(seen(await send(await keycloak.tokenOf(ada)))).toEqual([['mine', true]]);
    expect(seen(await send(await keycloak.tokenOf(bob)))).toEqual([['mine', false]]);
  });

  test('of a client by itself', async () => {
    expect(seen(await send(await keycloak.tokenOfClient('reporting', 'reporting secret')))).toEqual([['mine', true], ['theirs', true]]);
  });

  test('and no more than the hub allows its issuer, by the claims that the hub is set to', async () => {
    expect(seen(await send(await keycloak.tokenOf(ada), undefined, strict))).toEqual([['mine', false], ['theirs', false]]);
  });

  test('and nothing for a wrong password', async () => {
    await expect(keycloak.tokenOf({ ...ada, password: 'wrong' })).rejects.toMatchObject({ code: 'UPSTREAM_STATUS' });
  });

  test('which is not what changes the hub', async () => {
    expect((await send(await keycloak.tokenOf(ada), '{ eventServices { totalCount } }')).errors?.[0]?.extensions.code).toMatch(/FORBIDDEN|UNAUTHORIZED/);
  });
});

describe('a token is refused, with its reason,', () => {
  const partsOf = (token: string) => token.split('.') as [string, string, string];
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test('that has expired', async () => {
    const token = await keycloak.tokenOfClient('hasty', 'hasty secret');
    expect(reasonOf(await askUntil(() => send(token), ({ status }) => status !== 200))).toEqual([401, 'UNAUTHENTICATED', 'expired']);
  });

  test('that is meant for another audience', async () => {
    expect(reasonOf(await send(await keycloak.tokenOfClient('elsewhere', 'elsewhere secret')))).toEqual([401, 'UNAUTHENTICATED', 'audience']);
  });

  test('whose claims, or signature, somebody changed', async () => {
    const token = await keycloak.tokenOf(bob);
    const [header, , signature] = partsOf(token);
    const wider = encoded({ ...decodeJwt(token), events: '*' });
    expect(reasonOf(await send([header, wider, signature].join('.')))).toEqual([401, 'UNAUTHENTICATED', 'signature']);
    const other = await keycloak.tokenOf(ada);
    expect(reasonOf(await send([...partsOf(token).slice(0, 2), partsOf(other)[2]].join('.')))).toEqual([401, 'UNAUTHENTICATED', 'signature']);
  });

  test('that nobody signed', async () => {
    const [, claims] = partsOf(await keycloak.tokenOf(ada));
    expect(reasonOf(await send(`${encoded({ alg: 'none', typ: 'JWT' })}.${claims}.`))).toEqual([401, 'UNAUTHENTICATED', 'algorithm']);
  });

  test('that is signed with the public key as if it were a shared secret', async () => {
    const token = await keycloak.tokenOf(ada);
    const { kid } = decodeProtectedHeader(token);
    const { keys } = (await (await fetch(`${keycloak.issuer}/protocol/openid-connect/certs`)).json()) as { keys: JWK[] };
    const key = await importJWK(keys.find((each) => each.kid === kid) ?? {}, 'RS256', { extractable: true });
    const shared = new TextEncoder().encode(await exportSPKI(key as CryptoKey));
    const forged = await new SignJWT({ ...decodeJwt(token), events: '*' }).setProtectedHeader({ alg: 'HS256', kid }).sign(shared);
    expect(reasonOf(await send(forged))).toEqual([401, 'UNAUTHENTICATED', 'algorithm']);
  });
});

test('a person books tickets, and what is booked is that account\'s alone', async () => {
  await using platform = await createTicketingSimulator();
  const input = { product: 'ticketing', serviceName: 'Concerts', endpoints: { api: platform.platform.url }, authentication: { type: 'API_KEY', credentials: { apiKey: platform.platform.token } }, settings: platform.settings };
  const registered = await ask<{ registerEventService: { userErrors: object[] } }>(hub.url, hub.adminKey, 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { userErrors { code message } } }', { input });
  expect(registered.data.registerEventService.userErrors).toEqual([]);
  const reserve = 'mutation ($input: ReserveTicketsInput!) { reserveTickets(input: $input) { booking { id state } userErrors { code } } }';
  const order = (ticket: string) => ({ input: { eventId: 'autumn-quartet', ticketIds: [ticket], idempotencyKey: ticket } });
  const refused = await ask(hub.url, await keycloak.tokenOf(bob), reserve, order('autumn-quartet-p1'));
  expect(refused.errors?.[0]?.extensions.code).toMatch(/FORBIDDEN|UNAUTHORIZED/);
  type Reserved = { reserveTickets: { booking: { id: string; state: string }; userErrors: object[] } };
  const { booking } = (await ask<Reserved>(hub.url, await keycloak.tokenOf(ada), reserve, order('autumn-quartet-p1'))).data.reserveTickets;
  expect(booking.state).toBe('RESERVED');
  // Each time with a new token of the account.
  const bookingsOf = async (person: typeof ada) => (await ask(hub.url, await keycloak.tokenOf(person), 'query ($id: ID!) { bookings { edges { node { id } } } booking(id: $id) { id } }', { id: booking.id })).data;
  expect(await bookingsOf(ada)).toEqual({ bookings: { edges: [{ node: { id: booking.id } }] }, booking: { id: booking.id } });
  expect(await bookingsOf(cleo)).toEqual({ bookings: { edges: [] }, booking: null });
  const cancel = async (person: typeof ada) => (await ask<{ cancelBooking: { booking: { state: string } | null; userErrors: object[] } }>(hub.url, await keycloak.tokenOf(person), 'mutation ($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { state } userErrors { code } } }', { input: { bookingId: booking.id, idempotencyKey: person.username } })).data.cancelBooking;
  expect(await cancel(cleo)).toMatchObject({ booking: null, userErrors: [{}] });
  expect(await cancel(ada)).toMatchObject({ booking: { state: 'CANCELLED' }, userErrors: [] });
});

test('a new key of Keycloak is taken once it signs, and what the old one signed holds on', async () => {
  const before = await keycloak.tokenOf(ada);
  await keycloak.rotateKeys();
  const after = await keycloak.tokenOf(ada);
  expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid);
  // Unknown keys are looked up at most every 30 s.
  expect(seen(await askUntil(() => send(after), ({ status }) => status === 200, 60_000))).toEqual([['mine', true]]);
  expect(seen(await send(before))).toEqual([['mine', true]]);
});

test('while Keycloak is away its tokens hold on, and one with a key that nobody has seen does not', async () => {
  const [asked, other] = [await keycloak.tokenOf(ada), await keycloak.tokenOf(bob)];
  expect(seen(await send(asked))).toEqual([['mine', true]]);
  await keycloak.stop();
  await expect(fetch(keycloak.issuer)).rejects.toThrow();
  expect([seen(await send(asked)), seen(await send(other))]).toEqual([[['mine', true]], [['mine', false]]]);
  const [, claims, signature] = other.split('.');
  const unknown = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'unknown' })).toString('base64url');
  expect(reasonOf(await send([unknown, claims, signature].join('.')))).toEqual([401, 'UNAUTHENTICATED', expect.stringMatching(/^(key|issuer_unavailable)$/)]);
});
