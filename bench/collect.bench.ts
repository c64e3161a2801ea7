/**
 * Activities accepted per second over REST (`POST /api/collect`: key, budget, admission, plan, checked, encrypted, durable,
 * answered, stored by a job beside it), against a bare Fastify that inserts each into a table of the same PostgreSQL and
 * answers after its commit: no key, no checks, no job. Both in processes of their own, asked by the same kept connections.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Pool } from 'undici';
import { freePort } from '#core/embedded-postgres.ts';
import { askUntil, ask, startHubProcess } from '../e2e/hub-process.ts';
import { startCollectorPeer } from './collect/peer-process.ts';
import { alternate, benchDatabase, median } from './harness.ts';

const requests = Number(process.env.BENCH_REQUESTS ?? 10_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const senders = 64;

await using database = await benchDatabase();
await using hub = await startHubProcess({ DATABASE_URL: database.url, PORT: String(await freePort()), EVENTGRAPH_DATA_DIR: `${database.dataDir}/hub`, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_SECRET: randomBytes(32).toString('hex'), NODE_ENV: 'production' });
await using peer = await startCollectorPeer(database.url);

type Measured = { readonly perSecond: number; readonly p99: number };

/** Milliseconds of the slowest but one percent. */
const p99 = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(0.99 * (times.length - 1))] ?? NaN;

const run = async (url: string, round: string, headers: Readonly<Record<string, string>>): Promise<Measured> => {
  const pool = new Pool(url, { connections: senders });
  const times: number[] = [];
  let next = 0;
  const send = async (): Promise<void> => {
    for (let index = next++; index < requests; index = next++) {
      const start = performance.now();
      const body = JSON.stringify({ event_id: `${round}-${index}`, event: 'purchase', user_id: `user-${index % 1000}`, parameters: { order_id: `order-${round}-${index}`, currency: 'EUR', price: '19.90' } });
      const answer = await pool.request({ method: 'POST', path: '/api/collect', headers: { 'content-type': 'application/json', ...headers }, body });
      const text = await answer.body.text();
      if (text !== '{"is_success":true}') throw new Error(`answered ${answer.statusCode}: ${text}`);
      times.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: senders }, send));
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return { perSecond: requests / seconds, p99: p99(times) };
};

const client = new pg.Client({ connectionString: database.url });
await client.connect();
/** Until what was accepted is stored, so that the peer is not measured beside it. */
const settled = () => askUntil(async () => (await client.query<{ n: number }>('select count(*)::int as n from activity.inbox')).rows[0]?.n ?? -1, (waiting) => waiting === 0, 120_000);

const latencies = { ours: [] as number[], peer: [] as number[] };
const ours = async (round: number): Promise<number> => {
  const measured = await run(hub.url, `${round}`, { 'x-api-key': hub.adminKey });
  latencies.ours.push(measured.p99);
  await settled();
  return measured.perSecond;
};
const theirs = async (round: number): Promise<number> => {
  const measured = await run(peer.url, `${round}`, {});
  latencies.peer.push(measured.p99);
  return measured.perSecond;
};

await ours(-1); // warm
await theirs(-1);
latencies.ours.length = latencies.peer.length = 0;
const rates = await alternate(rounds, ours, theirs);
const { rows: [row] } = await client.query<{ stored: number; purchases: number }>(`select (select count(*) from activity.activities)::int as stored, (select count(*) from hub.domain_events where type = 'purchase.recorded')::int as purchases`);
const perSecond = (value: number) => Math.round(value).toLocaleString('en');
console.log(`activities accepted, durable: ${perSecond(rates.ours)}/s, p99 ${median(latencies.ours).toFixed(0)} ms; bare Fastify, one insert a request: ${perSecond(rates.peer)}/s, p99 ${median(latencies.peer).toFixed(0)} ms; ratio ${rates.ratio.toFixed(2)}, of p99 ${(median(latencies.ours) / median(latencies.peer)).toFixed(2)} (${senders} connections, medians of ${rounds} rounds of ${requests})`);
console.log(`accepted ${requests * (rounds + 1)}, stored ${row?.stored}, purchases ${row?.purchases}`);

const batch = (round: number) => ({ input: { activities: Array.from({ length: 1_000 }, (_, n) => ({ externalId: `batch-${round}-${n}`, name: 'purchase', userId: `user-${n}`, parameters: { order_id: `${round}-${n}`, currency: 'EUR', price: '19.90' } })) } });
const batches = 20;
const start = performance.now();
for (let round = 0; round < batches; round++) {
  const { data } = await ask<{ collectActivity: { accepted: number } }>(hub.url, hub.adminKey, 'mutation ($input: CollectActivityInput!) { collectActivity(input: $input) { accepted } }', batch(round));
  if (data.collectActivity.accepted !== 1_000) throw new Error(`accepted ${data.collectActivity.accepted}`);
}
console.log(`in batches of 1,000 over GraphQL, one after the other: ${perSecond((batches * 1_000_000) / (performance.now() - start))}/s`);
await client.end();
if (row?.stored !== requests * (rounds + 1) || row.purchases !== row.stored) process.exitCode = 1;
