/**
 * Check-ins accepted per second, end to end (signed push over HTTP → verified → one transaction with the domain events
 * → answered), against plain multi-row INSERTs on the same database:
 * - of the same rows: every row that the hub stores for them (check-in, presence, known fact, domain event);
 * - of the check-in rows alone, which is the least that anybody could write.
 */
import { randomBytes } from 'node:crypto';
import { freePort } from '#core/embedded-postgres.ts';
import { registerGates, startHubProcess } from '../e2e/hub-process.ts';
import { startPushingUpstream } from '../e2e/pushing-upstream.ts';
import { alternate, benchDatabase, secondsOf } from './harness.ts';

const perPush = 500;
const pushes = 40;
const senders = 4;
const rounds = 7;
const total = perPush * pushes;

await using database = await benchDatabase();
await using upstream = await startPushingUpstream();
await using hub = await startHubProcess({ DATABASE_URL: database.url, PORT: String(await freePort()), EVENTGRAPH_DATA_DIR: `${database.dataDir}/hub`, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true', EVENTGRAPH_SECRET: randomBytes(32).toString('hex') });
const registered = await registerGates(hub, upstream, 'bench', 86_400);
if (!registered.service) throw new Error(JSON.stringify(registered.userErrors));
const client = await database.connect();

const push = async (round: number): Promise<number> => {
  let next = 0;
  const send = async (): Promise<void> => {
    for (let index = next++; index < pushes; index = next++) {
      const badges = Array.from({ length: perPush }, (_, badge) => `${round}-${index}-${badge}`);
      const status = await upstream.push('bench', badges);
      if (status !== 200) throw new Error(`push answered ${status}`);
    }
  };
  return total / (await secondsOf(() => Promise.all(Array.from({ length: senders }, send))));
};

/** The tables that a check-in goes to, with what of them it fills. */
const tables = {
  'attendance.check_ins': ['service_id', 'event_id', 'upstream_id', 'at', 'direction', 'gate_id', 'area', 'participant'],
  'attendance.presences': ['event_id', 'participant', 'area', 'last_entry'],
  'hub.known_facts': ['service_id', 'key', 'digest', 'at'],
  'hub.domain_events': ['type', 'event_id', 'service_id', 'occurred_at', 'payload'],
} as const;
type Table = keyof typeof tables;

const values = (table: Table, id: string): unknown[] => {
  const now = new Date().toISOString();
  const participant = id.padEnd(22, 'x').slice(0, 22);
  if (table === 'attendance.check_ins') return ['svc', 'plain', `scan-${id}`, now, 'ENTRY', null, '', participant];
  if (table === 'attendance.presences') return ['plain', `${participant}${id}`, '', now];
  if (table === 'hub.known_facts') return ['svc', `checkIn:plain:scan-${id}`, '', now];
  return ['checkin.recorded', 'plain', 'svc', now, JSON.stringify({ checkInId: `scan-${id}`, at: now, direction: 'ENTRY', gateId: null, participant })];
};

/** One transaction a batch, one INSERT … VALUES (…), (…), … a table. */
const insert = (wanted: readonly Table[], kind: string) => async (round: number): Promise<number> =>
  total /
  (await secondsOf(async () => {
    for (let batch = 0; batch < pushes; batch++) {
      await client.query('begin');
      for (const table of wanted) {
        const columns = tables[table];
        const rows = Array.from({ length: perPush }, (_, row) => values(table, `${kind}-${round}-${batch}-${row}`));
        const places = rows.map((_, row) => `(${columns.map((__, column) => `$${row * columns.length + column + 1}`).join(',')})`).join(',');
        await client.query(`insert into ${table} (${columns.join(',')}) values ${places}`, rows.flat());
      }
      await client.query('commit');
    }
  }));

await push(-1); // warm
const every = Object.keys(tables) as Table[];
const sameRows = await alternate(rounds, push, insert(every, 'all'));
const checkInRows = await alternate(rounds, (round) => push(round + 1000), insert(['attendance.check_ins'], 'one'));
const perSecond = (value: number) => Math.round(value).toLocaleString('en');
console.log(`check-ins end to end: ${perSecond(sameRows.ours)}/s; plain INSERTs of the same rows: ${perSecond(sameRows.peer)}/s; ratio ${sameRows.ratio.toFixed(2)} (wanted: at least 0.50)`);
console.log(`check-ins end to end: ${perSecond(checkInRows.ours)}/s; plain INSERTs of the check-in rows alone: ${perSecond(checkInRows.peer)}/s; ratio ${checkInRows.ratio.toFixed(2)}`);
