/**
 * `node bench/gateway/profile.ts [big|small|variables] [off|fetches|requests] [seconds]`: ours alone under load, and where
 * its processor time went: the functions, files and packages with the most time of their own. The profile itself is
 * kept, for the developer tools of a browser.
 */
import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, verify } from './load.ts';
import type { Sharing } from './ours.ts';
import { createStand } from './stand.ts';
import { type WorkloadName, workload } from './workloads.ts';

type CallFrame = { readonly functionName: string; readonly url: string; readonly lineNumber: number };
type Profile = { readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[]; readonly samples: readonly number[]; readonly timeDeltas: readonly number[] };

const [name = 'big', sharing = 'off', seconds = '5'] = process.argv.slice(2).filter((word) => word !== 'sharing');
const root = join(import.meta.dirname, '../..');

const placeOf = ({ url, lineNumber }: CallFrame): string => (url.startsWith('file:') ? `${relative(root, fileURLToPath(url))}:${lineNumber + 1}` : url ? `${url}:${lineNumber + 1}` : '');
/** The folder of a package, a file of ours, or a module of Node. */
const roomOf = ({ url, functionName }: CallFrame): string => {
  if (!url) return functionName.startsWith('(') ? functionName : '(native)';
  if (!url.startsWith('file:')) return url;
  const path = relative(root, fileURLToPath(url));
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
};

const sumBy = (profile: Profile, keyOf: (frame: CallFrame) => string): readonly (readonly [string, number])[] => {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = new Map<string, number>();
  for (const [index, sample] of profile.samples.entries()) {
    const frame = frames.get(sample);
    if (frame && frame.functionName !== '(idle)') sums.set(keyOf(frame), (sums.get(keyOf(frame)) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  return [...sums].sort(([, a], [, b]) => b - a);
};

const print = (title: string, sums: readonly (readonly [string, number])[], answered: number, count: number): void => {
  const total = sums.reduce((sum, [, time]) => sum + time, 0);
  console.log(`\n${title}\n${'self %'.padStart(7)} ${'µs/request'.padStart(11)}`);
  for (const [key, time] of sums.slice(0, count)) console.log(`${((100 * time) / total).toFixed(1).padStart(7)} ${(time / answered).toFixed(1).padStart(11)}  ${key}`);
};

const dir = await mkdtemp(join(tmpdir(), 'eventgraph-profile-'));
await using stand = await createStand();
const ours = await stand.ours(sharing as Sharing, ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${dir}`]);
const load = workload(name as WorkloadName);
const length = await verify(ours.url, load);
const measured = await run({ url: ours.url, workload: load, seconds: Number(seconds), atLeast: load.bodies.length, length });
await ours.end();

const [file] = (await readdir(dir)).filter((each) => each.endsWith('.cpuprofile'));
if (!file) throw new Error(`There is no profile in ${dir}.`);
const profile = JSON.parse(await readFile(join(dir, file), 'utf8')) as Profile;
print('functions', sumBy(profile, (frame) => `${frame.functionName || '(anonymous)'}  ${placeOf(frame)}`), measured.answered, 40);
print('files and packages', sumBy(profile, roomOf), measured.answered, 25);
console.log(`\n${Math.round(measured.perSecond)} requests/s under the profiler (${name}, sharing ${sharing}); start-up is in the sums\n${join(dir, file)}`);
