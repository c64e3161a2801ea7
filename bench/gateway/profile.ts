/**
 * `node bench/gateway/profile.ts [big|small|variables] [off|fetches|requests] [seconds]`: ours alone under load, and where
 * its processor time went: the functions, files and packages with the most time of their own. The profile itself is
 * kept, for the developer tools of a browser.
 */
import { writeFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, verify } from './load.ts';
import type { Sharing } from './ours.ts';
import { createStand } from './stand.ts';
import { type WorkloadName, workload } from './workloads.ts';

type Profile = Profiler.Profile;
type CallFrame = Profile['nodes'][number]['callFrame'];

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
  for (const [index, sample] of (profile.samples ?? []).entries()) {
    const frame = frames.get(sample);
    if (frame && frame.functionName !== '(idle)' && frame.url !== 'node:inspector') sums.set(keyOf(frame), (sums.get(keyOf(frame)) ?? 0) + (profile.timeDeltas?.[index] ?? 0));
  }
  return [...sums].sort(([, a], [, b]) => b - a);
};

const print = (title: string, sums: readonly (readonly [string, number])[], answered: number, count: number): void => {
  const total = sums.reduce((sum, [, time]) => sum + time, 0);
  console.log(`\n${title}\n${'self %'.padStart(7)} ${'µs/request'.padStart(11)}`);
  for (const [key, time] of sums.slice(0, count)) console.log(`${((100 * time) / total).toFixed(1).padStart(7)} ${(time / answered).toFixed(1).padStart(11)}  ${key}`);
};

await using stand = await createStand();
const ours = await stand.ours(sharing as Sharing);
const load = workload(name as WorkloadName);
const length = await verify(ours.url, load);
await run({ url: ours.url, workload: load, seconds: 3, atLeast: load.bodies.length, length });
await ours.ask('startProfile');
const measured = await run({ url: ours.url, workload: load, seconds: Number(seconds), length });
const profile = await ours.ask<Profile>('stopProfile');

const file = join(tmpdir(), `eventgraph-${name}-${sharing}.cpuprofile`);
writeFileSync(file, JSON.stringify(profile));
print('functions', sumBy(profile, (frame) => `${frame.functionName || '(anonymous)'}  ${placeOf(frame)}`), measured.answered, 40);
print('files and packages', sumBy(profile, roomOf), measured.answered, 25);
console.log(`\n${Math.round(measured.perSecond)} requests/s under the profiler (${name}, sharing ${sharing})\n${file}`);
