/**
 * The gateway beside its peers, side by side on the same machine: the well-known benchmark of four subgraphs, 50
 * connections, each gateway in its own process in the fastest set-up that its makers document. Ratios count; the numbers
 * are a machine's. Where somebody else uses the machine meanwhile, requests per second of processor time tell more.
 *
 * `BENCH_ROUNDS` and `BENCH_SECONDS` change how long it looks, `BENCH_SETTING` (a part of a title) at what. Ends with an
 * error only when a gateway answers something else than graphql-js does without one.
 */
import { type Summary, compare, row } from './gateway/measure.ts';
import type { Sharing } from './gateway/ours.ts';
import { type Peer, installPeers, startPeer } from './gateway/peers.ts';
import { createStand } from './gateway/stand.ts';
import { type WorkloadName, workload } from './gateway/workloads.ts';

type Setting = {
  readonly title: string;
  readonly workload: WorkloadName;
  readonly sharing: Sharing;
  /** How many times a peer's requests/s ours shall be; null: shown for comparison. */
  readonly peers: Partial<Record<Peer, number | null>>;
  /** Which part of the requests/s of the program without any GraphQL ours shall reach. */
  readonly limit?: number;
};

const settings: readonly Setting[] = [
  { title: 'nothing shared', workload: 'big', sharing: 'off', peers: { '@apollo/gateway': 6, 'Hive Gateway': 6, 'Hive Gateway, Router Runtime': 6 }, limit: 0.5 },
  { title: 'identical fetches in flight shared', workload: 'big', sharing: 'fetches', peers: { 'Hive Gateway': 1.2, 'Hive Gateway, Router Runtime': 1.2 } },
  { title: 'identical requests coalesced', workload: 'big', sharing: 'requests', peers: { 'Hive Gateway': 1.5, 'Hive Gateway, Router Runtime': 1.5 } },
  { title: '1,000 sets of variables', workload: 'variables', sharing: 'off', peers: { '@apollo/gateway': 6, 'Hive Gateway': 6, 'Hive Gateway, Router Runtime': 6 } },
  { title: 'small query', workload: 'small', sharing: 'off', peers: { '@apollo/gateway': 8, 'Hive Gateway': null, 'Hive Gateway, Router Runtime': null }, limit: 0.6 },
  // @apollo/gateway shares nothing whatever it is told.
  { title: 'small query, identical fetches in flight shared', workload: 'small', sharing: 'fetches', peers: { '@apollo/gateway': null, 'Hive Gateway': null, 'Hive Gateway, Router Runtime': null } },
  { title: 'small query, identical requests coalesced (our default)', workload: 'small', sharing: 'requests', peers: { '@apollo/gateway': null, 'Hive Gateway': null, 'Hive Gateway, Router Runtime': null } },
];

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const warmUpSeconds = Number(process.env.BENCH_WARM_UP_SECONDS ?? 5);

type Line = Readonly<Record<string, string | number>>;
const wantedLines: Line[] = [];
const want = (measure: string, wanted: string, measured: string, reached: boolean) => void wantedLines.push({ measure, wanted, measured, reached: reached ? 'yes' : 'no' });

/** Programs that are measured together start together, and end before the next ones start: none inherits a full heap. */
const measureSetting = async (setting: Setting): Promise<void> => {
  await using stand = await createStand();
  const load = workload(setting.workload);
  const ours = await stand.ours(setting.sharing);
  const names = Object.keys(setting.peers) as Peer[];
  const programs = [ours];
  for (const name of names) programs.push(stand.keep(await startPeer(name, stand.supergraphFile, setting.sharing)));
  if (setting.limit !== undefined) programs.push(await stand.limit(ours, load));

  for (const program of load.mark === null ? [] : programs) {
    const without = (await stand.record(program, load)).find(({ body }) => !body.includes(load.mark ?? ''));
    if (without) throw new Error(`${program.name} makes a fetch that no variable reaches: ${without.body}`);
  }

  const [mine, ...others] = await compare({ stand, programs, workload: load, rounds, seconds, warmUpSeconds });
  if (!mine) throw new Error('Nothing was measured.');
  console.log(`\n${setting.title} (${setting.workload} query)`);
  const lines: Record<string, Line> = { [ours.name]: { ...row(mine), 'ours / it': 1, 'ours / it, per CPU s': 1 } };
  for (const [index, other] of others.entries()) {
    const name = programs[index + 1]?.name ?? '';
    const ratio = mine.perSecond / other.perSecond;
    const perCpuSecond = ratio * (other.cpu / mine.cpu);
    lines[name] = { ...row(other), 'ours / it': Number(ratio.toFixed(2)), 'ours / it, per CPU s': Number(perCpuSecond.toFixed(2)) };
    const wanted = setting.peers[name as Peer] ?? (name in setting.peers ? undefined : setting.limit);
    if (wanted !== undefined) want(`${setting.title}: requests/s, ours / ${name}`, `≥ ${wanted}`, ratio.toFixed(2), ratio >= wanted);
  }
  console.table(lines);
  if (setting === settings[0]) wantLatencyAndMemory(mine, names, others);
};

/** Under the load of the first setting. */
const wantLatencyAndMemory = (mine: Summary, names: readonly Peer[], peers: readonly Summary[]): void => {
  const best = Math.min(...peers.slice(0, names.length).map(({ p99 }) => p99));
  want('p99 in ms, ours beside the best peer', '≤ its', `${mine.p99.toFixed(0)} beside ${best.toFixed(0)}`, mine.p99 <= best);
  const apollo = peers[names.indexOf('@apollo/gateway')]?.rssMiB ?? NaN;
  want('RSS in MiB, ours beside @apollo/gateway', '≤ its', `${mine.rssMiB.toFixed(0)} beside ${apollo.toFixed(0)}`, mine.rssMiB <= apollo);
};

installPeers();
for (const setting of settings.filter(({ title }) => title.includes(process.env.BENCH_SETTING ?? ''))) await measureSetting(setting);
console.log(`\nMedians of ${rounds} alternating rounds of ${seconds} s after a warm-up, 50 connections, Node ${process.versions.node}.`);
console.table(wantedLines);
