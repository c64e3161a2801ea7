/**
 * SQL statements and upstream calls of one operation over N events. Both must be the same number for every N: the
 * bench ends with 1 when they are not.
 */
import diagnostics from 'node:diagnostics_channel';
import { rm } from 'node:fs/promises';
import pg from 'pg';
import { readConfig } from '#core/config.ts';
import { createLogger } from '#core/logging.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { planDemo } from '#simulators/gatekeeper/demo-events.ts';
import { ask, registerGates } from '../e2e/hub-process.ts';
import { startHub } from '../hub/hub.ts';
import { benchDatabase } from './harness.ts';

const query = '{ events(first: %) { edges { node { name attendance { currentAttendees totalRegistered gateActivity { gateId } } ... on GateEvent { gates { id status } } service { name health } } } } }';

await using database = await benchDatabase();
const dataDir = `${database.dataDir}/hub`;
await using hub = await startHub({ config: readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: dataDir, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' }), role: { kind: 'all' }, logger: createLogger('warn'), explorer: null });
const [plan] = planDemo(Date.now(), 'bench').filter(({ eventId }) => eventId === 'gts-austin-2024');
if (!plan) throw new Error('the demo lost its event to come');
await using gates = await createGatekeeperSimulator({ plans: Array.from({ length: 100 }, (_, index) => ({ ...plan, eventId: `event-${index}` })) });
const client = { url: hub.url, adminKey: hub.adminKey ?? '' };
for (const { eventId } of gates.events) await registerGates(client, gates, eventId, 86_400);

const statements: string[] = [];
const run = pg.Client.prototype.query;
pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  const [first] = args as [string | { text?: string }];
  statements.push(typeof first === 'string' ? first : (first.text ?? ''));
  return Reflect.apply(run, this, args) as never;
} as typeof run;
let calls = 0;
diagnostics.subscribe('undici:request:create', (message) => {
  const { request } = message as { request: { origin: string } };
  if (String(request.origin) !== hub.url) calls++;
});
/** What the operation itself asks: not the schedules, jobs and the log, which run beside it. */
const isOfOperation = (text: string): boolean => /^\s*select/i.test(text) && !/hub\.domain_events|graphile_worker|locked_by|pg_try_advisory|from events\.events where told_status/.test(text);

const counts: { events: number; statements: number; calls: number }[] = [];
for (const first of [1, 10, 100]) {
  await ask(client.url, client.adminKey, query.replace('%', String(first))); // plans are made and connections opened
  [statements.length, calls] = [0, 0];
  const { data } = await ask<{ events: { edges: unknown[] } }>(client.url, client.adminKey, query.replace('%', String(first)));
  counts.push({ events: data.events.edges.length, statements: statements.filter(isOfOperation).length, calls });
}
for (const count of counts) console.log(`events(first: ${count.events}): ${count.statements} SQL statements, ${count.calls} upstream calls`);
const isSame = new Set(counts.map((count) => `${count.statements}/${count.calls}`)).size === 1;
console.log(isSame ? 'the same for every N' : `differs: ${statements.filter(isOfOperation).join('\n')}`);
await rm(dataDir, { recursive: true, force: true });
process.exitCode = isSame ? 0 : 1;
