/**
 * Twenty services, one of which hangs for a minute: it takes connections and never answers, or answers a byte at a time.
 * The time that queries of the other nineteen take meanwhile, and lists of all twenty, and changes to a subscriber, is
 * measured beside minutes without it, in turns. And the values of the service that hangs are served on, as stale.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { askUntil, ask, plainHub, registerGates, startHubProcess } from '../e2e/hub-process.ts';
import type { GatesQuestions } from './hanging/gates.ts';
import { followAttendance } from './hanging/subscriber.ts';
import { benchDatabase, median, quantile } from './harness.ts';
import { startPart } from './parts.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 60);
/** Milliseconds between queries, whether those before were answered or not; and between changes. */
const every = { query: 20, change: 100 } as const;
const wanted = 1.1;

const ids = Array.from({ length: 20 }, (_, index) => `event-${index}`);
const [bad = '', ...well] = ids;
await using database = await benchDatabase();
const client = await database.connect();
await using gates = await startPart<GatesQuestions>('hanging/gates.ts', ...ids);
// Nothing is answered from memory: what is looked for is whether the work itself is held up.
await using hub = await startHubProcess({ ...(await plainHub(`${database.dataDir}/hub`)), DATABASE_URL: database.url, EVENTGRAPH_CACHE: 'off' });
for (const { eventId, ...upstream } of await gates.ask('upstreams')) {
  const { userErrors } = await registerGates(hub, { endpoint: () => upstream.endpoint, apiKey: upstream.apiKey }, eventId, 5);
  if (userErrors.length > 0) throw new Error(JSON.stringify(userErrors));
}

const fields = 'id name status attendance { totalRegistered currentAttendees stale gateActivity { gateId status } } service { health }';
const one = `query ($id: ID!) { event(id: $id) { ${fields} ... on GateEvent { gates { id status } } } }`;
const all = `{ events(first: 20) { edges { node { ${fields} ... on GateEvent { gates { id status } } } } } }`;
type Node = { readonly id: string; readonly attendance: { readonly currentAttendees: number; readonly stale: boolean }; readonly service: { readonly health: string } };
const list = async (): Promise<Node[]> => (await ask<{ events: { edges: { node: Node }[] } }>(hub.url, hub.adminKey, all)).data.events.edges.map(({ node }) => node);

const timed = async (number: number, into: number[]): Promise<void> => {
  const start = performance.now();
  const { errors } = number % 4 === 0 ? await ask(hub.url, hub.adminKey, all) : await ask(hub.url, hub.adminKey, one, { id: well[number % well.length] });
  if (errors) throw new Error(JSON.stringify(errors));
  into.push(performance.now() - start);
};

await using subscriber = await followAttendance(hub, ids);
type Window = { readonly queries: number; readonly changes: number };
let asked = 0;
/** 99th percentiles, in milliseconds, of one minute. */
const measure = async (): Promise<Window> => {
  const queries: number[] = [];
  const under: Promise<void>[] = [];
  const begun = performance.now();
  for (let tick = 0; performance.now() - begun < seconds * 1000; tick++) {
    under.push(timed(asked++, queries));
    if (tick % (every.change / every.query) === 0) {
      const id = well[tick % well.length] ?? '';
      under.push(gates.ask('pass', id).then((at) => subscriber.expect(id, at)));
    }
    await wait(Math.max(0, begun + (tick + 1) * every.query - performance.now()));
  }
  await Promise.all(under);
  await askUntil(() => wait(20).then(subscriber.missing), (missing) => missing === 0); // none is lost
  return { queries: quantile(queries, 0.99), changes: quantile(subscriber.takeLatencies(), 0.99) };
};

const isWell = async (): Promise<unknown> => askUntil(list, (nodes) => nodes.every(({ service }) => service.health === 'HEALTHY'), 120_000);
const kinds = ['none', 'hang', 'drip'] as const;
const measured: Record<(typeof kinds)[number], Window[]> = { none: [], hang: [], drip: [] };
for (let round = 0; round <= rounds; round++)
  for (const kind of kinds) {
    await gates.ask('answer', bad, kind);
    const window = await measure();
    if (round > 0) measured[kind].push(window); // the first of each warms up
    await gates.ask('answer', bad, 'none');
    await isWell();
  }

const p99 = (kind: (typeof kinds)[number], what: keyof Window) => median(measured[kind].map((each) => each[what]));
let isEnough = true;
for (const kind of ['hang', 'drip'] as const)
  for (const what of ['queries', 'changes'] as const) {
    const ratio = p99(kind, what) / p99('none', what);
    isEnough &&= ratio < wanted;
    console.log(`one of 20 services ${kind === 'hang' ? 'hangs' : 'answers a byte at a time'}: p99 of ${what === 'queries' ? 'queries' : 'changes, from the gate to a subscriber'} ${p99(kind, what).toFixed(1)} ms, without it ${p99('none', what).toFixed(1)} ms: ${ratio.toFixed(2)} (wanted: under ${wanted})`);
  }

// As after six minutes without a word of any of them: the others are asked again, and the one that hangs is not heard of.
const before = (await list()).find(({ id }) => id === bad);
await gates.ask('answer', bad, 'hang');
await client.query(`update attendance.live set observed_at = observed_at - interval '6 minutes'`);
const after = await askUntil(list, (nodes) => nodes.every(({ id, attendance }) => attendance.stale === (id === bad)), 60_000);
const kept = after.find(({ id }) => id === bad);
isEnough &&= kept?.attendance.currentAttendees === before?.attendance.currentAttendees;
console.log(`values of the one that hangs: ${kept?.attendance.currentAttendees} inside, stale ${kept?.attendance.stale}; before: ${before?.attendance.currentAttendees}, stale ${before?.attendance.stale}`);
process.exitCode = isEnough ? 0 : 1;
