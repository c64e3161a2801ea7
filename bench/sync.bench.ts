/**
 * Initial sync of one service with 100,000 check-ins behind it, from its registration until the hub has the last one:
 * facts a second, as a ratio to a bare loop that reads the same pages and inserts each into one table; calls of the
 * upstream; and the hub's peak memory beside that of a sync of 10,000: it must not follow the size. As V8 lets garbage
 * lie where there is room for it, memory is also taken of hubs that have little: those could not hold what grows.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type HubEnvironment, plainHub, registerGates, startHubProcess } from '../e2e/hub-process.ts';
import { benchDatabase, median, secondsOf } from './harness.ts';
import { startPart } from './parts.ts';
import { syncBare } from './sync/bare.ts';
import type { GatesQuestions } from './sync/gates.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
/** One secret for all hubs on this database: they share its services. */
const secret = randomBytes(32).toString('hex');
const sizes = { small: 10_000, large: 100_000 } as const;
type Size = keyof typeof sizes;
/** Megabytes of V8's old generation for hubs with little room; one that does nothing needs some 100. */
const littleRoom = 192;
/** What a hub with little room may take more, at its peak, to sync ten times as much. */
const mostGrowth = 1.25;

await using database = await benchDatabase();
const client = await database.connect();

/** Megabytes: the most that a process has held since it began, and what it holds now (proc(5)). */
const memoryOf = async (pid: number): Promise<{ readonly peak: number; readonly now: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { peak: read('VmHWM'), now: read('VmRSS') };
};

/** The upstream's totals come with its last page. */
const isThrough = async (eventId: string): Promise<boolean> => (await client.query('select from attendance.live where event_id = $1 and reported_at is not null', [eventId])).rowCount === 1;

type Synced = { readonly perSecond: number; readonly callsPerThousand: number; readonly before: number; readonly peak: number };

let hubs = 0;
/** A hub of its own, one service, one sync. */
const sync = async (size: Size, env: HubEnvironment = {}): Promise<Synced> => {
  const eventId = `${size}-${hubs++}`;
  await using gates = await startPart<GatesQuestions>('sync/gates.ts', eventId, String(sizes[size]));
  await using hub = await startHubProcess({ ...(await plainHub(`${database.dataDir}/hub-${eventId}`)), DATABASE_URL: database.url, EVENTGRAPH_SECRET: secret, ...env });
  const upstream = await gates.ask('upstream');
  const [before, calls] = [(await memoryOf(hub.pid)).now, await gates.ask('calls')];
  const seconds = await secondsOf(async () => {
    const { service, userErrors } = await registerGates(hub, { endpoint: () => upstream.endpoint, apiKey: upstream.apiKey }, eventId, 86_400);
    if (!service) throw new Error(JSON.stringify(userErrors));
    while (!(await isThrough(eventId))) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  const { rows } = await client.query<{ count: number }>('select count(*)::int from attendance.check_ins where event_id = $1', [eventId]);
  if (rows[0]?.count !== sizes[size]) throw new Error(`${eventId}: the hub has ${rows[0]?.count} check-ins`);
  await client.query(`update hub.services set state = 'PAUSED'`); // its gate system ends
  return { perSecond: sizes[size] / seconds, callsPerThousand: ((await gates.ask('calls')) - calls) / (sizes[size] / 1000), before, peak: (await memoryOf(hub.pid)).peak };
};

const bare = async (): Promise<number> => {
  await using gates = await startPart<GatesQuestions>('sync/gates.ts', 'bare', String(sizes.large));
  const upstream = await gates.ask('upstream');
  let stored = 0;
  const seconds = await secondsOf(async () => (stored = await syncBare(upstream, client)));
  if (stored !== sizes.large) throw new Error(`the bare loop has ${stored} check-ins`);
  return stored / seconds;
};

const few = (value: number) => Math.round(value).toLocaleString('en');
const measured: { readonly small: Synced; readonly large: Synced; readonly bare: number }[] = [];
for (let round = 0; round < rounds; round++) measured.push({ small: await sync('small'), large: await sync('large'), bare: await bare() });
const middle = (of: (each: (typeof measured)[number]) => number) => median(measured.map(of));
for (const size of ['small', 'large'] as const) console.log(`${few(sizes[size])} check-ins: ${few(middle((each) => each[size].perSecond))} a second, ${middle((each) => each[size].callsPerThousand).toFixed(2)} calls per 1,000, memory ${few(middle((each) => each[size].before))} MiB before, ${few(middle((each) => each[size].peak))} MiB at its peak`);
const limit = middle((each) => each.bare);
console.log(`facts a second to a bare loop's (${few(limit)}/s): ${(middle(({ large }) => large.perSecond) / limit).toFixed(2)}`);

const env = { NODE_OPTIONS: `--max-old-space-size=${littleRoom}` };
const [small, large] = [await sync('small', env), await sync('large', env)];
console.log(`in hubs with little room (${env.NODE_OPTIONS}): ${few(small.peak)} MiB and ${few(large.peak)} MiB, so ${(large.peak / small.peak).toFixed(2)} times as much for ten times the size (wanted: at most ${mostGrowth})`);
process.exitCode = large.peak / small.peak <= mostGrowth ? 0 : 1;
