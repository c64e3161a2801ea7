/**
 * `node bench/gateway/quick.ts [big|small|variables] [off|fetches|requests] [seconds]`: ours beside the bare program, for
 * whoever changes the gateway. Rounds alternate; the numbers are medians.
 */
import { parseArgs } from 'node:util';
import { median } from '../harness.ts';
import { type Measured, run, verify } from './load.ts';
import type { Sharing } from './ours.ts';
import type { Program } from './processes.ts';
import { createStand } from './stand.ts';
import { type WorkloadName, workload } from './workloads.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const [name = 'big', sharing = 'off', seconds = '4'] = positionals.filter((word) => word !== 'sharing');
const load = workload(name as WorkloadName);

await using stand = await createStand();
const ours = await stand.ours(sharing as Sharing);
const length = await verify(ours.url, load);
const limit = await stand.limit(ours, load);

const rounds = 4;
type Round = Measured & { readonly cpu: number; readonly others: number; readonly upstream: number };
const measure = async (program: Program): Promise<Round> => {
  const before = [program.cpuSeconds(), stand.subgraphs.cpuSeconds() + process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6, performance.now()] as const;
  await stand.upstreamRequests();
  const measured = await run({ url: program.url, workload: load, seconds: Number(seconds) / rounds, length });
  const passed = (performance.now() - before[2]) / 1000;
  const others = stand.subgraphs.cpuSeconds() + (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  return { ...measured, cpu: (program.cpuSeconds() - before[0]) / passed, others: (others - before[1]) / passed, upstream: (await stand.upstreamRequests()) / measured.answered };
};

const programs = [ours, limit];
for (const { url } of programs) await run({ url, workload: load, seconds: 2, atLeast: load.bodies.length, length });
const measured = new Map<Program, Round[]>(programs.map((program) => [program, []]));
for (let round = 0; round < rounds; round++) for (const program of programs) measured.get(program)?.push(await measure(program));

const middle = (program: Program, of: keyof Round): number => median((measured.get(program) ?? []).map((round) => round[of]));
console.table(
  Object.fromEntries(
    programs.map((program) => [
      program.name,
      {
        'requests/s': Math.round(middle(program, 'perSecond')),
        'p50 ms': Number(middle(program, 'p50').toFixed(1)),
        'p99 ms': Number(middle(program, 'p99').toFixed(1)),
        'upstream/request': Number(middle(program, 'upstream').toFixed(2)),
        'its CPU %': Math.round(100 * middle(program, 'cpu')),
        'subgraphs + load CPU %': Math.round(100 * middle(program, 'others')),
        'RSS MiB': Math.round(program.rssMiB()),
      },
    ]),
  ),
);
console.log(`ours / ${limit.name}: ${(middle(ours, 'perSecond') / middle(limit, 'perSecond')).toFixed(2)} (${name}, sharing ${sharing}, answers of ${length} bytes)`);
