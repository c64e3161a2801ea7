/**
 * A dashboard's query on the hub's own subgraphs over a real PostgreSQL, kept against not kept: 20 events with
 * attendance and gates, asked by 50 callers at once, in turns. In memory and, where there is a Redis, in Redis; and with check-ins
 * all the while. The least wanted is ten times the throughput; the bench ends with 1 below that.
 */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { readConfig } from '#core/config.ts';
import { createLogger } from '#core/logging.ts';
import { createRedisTaggedCache } from '#core/redis-tagged-cache.ts';
import { buildSubgraph } from '#core/subgraph.ts';
import { type TaggedCache, createMemoryTaggedCache } from '#core/tagged-cache.ts';
import { hubViewer } from '#core/viewer.ts';
import { type Gateway, createGateway } from '#gateway/index.ts';
import { createLocalDataSource } from '#gateway/sources/local-data-source.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { planDemo } from '#simulators/gatekeeper/demo-events.ts';
import { applyBatch } from '../ingest/apply.ts';
import { registerGates } from '../e2e/hub-process.ts';
import { startHub } from '../hub/hub.ts';
import { supergraphFile } from '../hub/subgraphs.ts';
import { startRedis } from '../scripts/redis.ts';
import { alternate, benchDatabase } from './harness.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7);
const roundMs = Number(process.env['BENCH_SECONDS'] ?? 2) * 1_000;
const callers = 50;
const wanted = 10;
const query = '{ events(first: 20) { edges { node { id name status period { start end } venue { name } attendance { totalRegistered currentAttendees attendanceRate gateActivity { gateId name status throughput } } ... on GateEvent { gates { id name status throughput } } } } } }';

await using database = await benchDatabase();
const dataDir = `${database.dataDir}/hub`;
const logger = createLogger('warn');
await using redisServer = await startRedis();
await using inRedis = await createRedisTaggedCache({ url: redisServer.url, logger });
await using hub = await startHub({ config: readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: dataDir, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' }), role: { kind: 'all' }, logger, explorer: null });
const [plan] = planDemo(Date.now(), 'bench').filter(({ eventId }) => eventId === 'gts-austin-2024');
if (!plan) throw new Error('the demo lost its event to come');
await using gates = await createGatekeeperSimulator({ plans: Array.from({ length: 20 }, (_, index) => ({ ...plan, eventId: `event-${index}` })) });
for (const { eventId } of gates.events) await registerGates({ url: hub.url, adminKey: hub.adminKey ?? '' }, gates, eventId, 86_400);

const { foundation } = hub;
/** `shareAnswers`: whether queries under way are shared; 50 callers of one query are then one, where nothing is kept too. */
const gatewayWith = (cache: TaggedCache | undefined, shareAnswers: boolean): Gateway =>
  createGateway({
    supergraph: readFileSync(supergraphFile, 'utf8'),
    shareAnswers,
    cache,
    dataSources(name) {
      const definition = foundation.subgraphs.find((each) => each.name === name);
      if (!definition) throw new Error(`no subgraph ${name}`);
      return createLocalDataSource(buildSubgraph(definition, foundation.hub));
    },
  });

const ask = async (gateway: Gateway): Promise<string> => {
  const answer = await gateway.answer({ query, viewer: hubViewer, requestId: 'bench', signal: new AbortController().signal });
  if (answer.errors.length > 0) throw new Error(answer.text);
  return answer.text;
};

/** Answers in a second. */
const throughput = async (gateway: Gateway): Promise<number> => {
  let answered = 0;
  const begun = performance.now();
  const end = begun + roundMs;
  const caller = async () => {
    while (performance.now() < end) {
      await ask(gateway);
      if (++answered % 20 === 0) await new Promise(setImmediate); // or what is found at once would leave nobody else a turn
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (answered / (performance.now() - begun)) * 1_000;
};

const plain = gatewayWith(undefined, false);
const expected = await ask(plain);
const memory = createMemoryTaggedCache({ maxBytes: 64_000_000 });
const [service] = await foundation.hub.database.em().getConnection().execute<{ service_id: string }[]>(`select service_id from hub.event_ids where event_id = 'event-0'`);

let isEnough = true;
const compare = async (name: string, kept: Gateway, least: number): Promise<void> => {
  for (let time = 0; time < 3; time++) if ((await ask(kept)) !== expected) throw new Error(`${name}: another answer`);
  const { ours, peer, ratio } = await alternate(rounds, () => throughput(kept), () => throughput(plain));
  isEnough &&= ratio >= least;
  console.log(`${name}: ${ratio.toFixed(1)} times the throughput (${Math.round(ours)}/s to ${Math.round(peer)}/s)`);
};

await compare('kept in memory', gatewayWith(memory, false), wanted);
await compare('kept in Redis', gatewayWith(inRedis, false), wanted);

// As a hub runs: queries under way are shared. Ten pushes a second with one check-in each, at one of the events, drop its
// attendance and whole answers as often.
const [kept, shared] = [gatewayWith(foundation.hub.answers, true), gatewayWith(undefined, true)];
let pushes = 0;
const pushing = setInterval(() => {
  const at = new Date();
  const id = `bench-${pushes++}`;
  void applyBatch(foundation.ingest, { serviceId: service?.service_id ?? '', rejected: [], facts: [{ kind: 'checkIn', eventId: 'event-0', upstreamId: id, at, direction: 'ENTRY', gateId: null, area: '', participant: id }] });
}, 100);
const busy = await alternate(rounds, () => throughput(kept), () => throughput(shared));
clearInterval(pushing);
console.log(`kept in memory, with 10 check-ins a second, queries under way shared by both: ${busy.ratio.toFixed(1)} times the throughput (${Math.round(busy.ours)}/s to ${Math.round(busy.peer)}/s)`);

await rm(dataDir, { recursive: true, force: true });
process.exitCode = isEnough ? 0 : 1;
