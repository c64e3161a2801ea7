/** Several programs under the same load in turns, so that all of them share the machine's moods; medians of the rounds. */
import { median } from '../harness.ts';
import { type Measured, run, verify } from './load.ts';
import type { Program } from './processes.ts';
import type { Stand } from './stand.ts';
import type { Workload } from './workloads.ts';

export type Summary = {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Requests to subgraphs for each request of a client. */
  readonly upstream: number;
  /** Processor time of the program itself, and of all that measures it, as a share of one core. */
  readonly cpu: number;
  readonly othersCpu: number;
  readonly rssMiB: number;
};

export type Comparison = {
  readonly stand: Stand;
  readonly programs: readonly Program[];
  readonly workload: Workload;
  readonly rounds: number;
  /** Of each round. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
};

type Round = Measured & Pick<Summary, 'upstream' | 'cpu' | 'othersCpu'>;

const oneRound = async ({ stand, workload, seconds }: Comparison, program: Program, length: number): Promise<Round> => {
  const others = (): number => stand.subgraphs.cpuSeconds() + (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  await stand.upstreamRequests();
  const [start, cpuBefore, othersBefore] = [performance.now(), program.cpuSeconds(), others()];
  const measured = await run({ url: program.url, workload, seconds, length });
  const passed = (performance.now() - start) / 1000;
  return { ...measured, cpu: (program.cpuSeconds() - cpuBefore) / passed, othersCpu: (others() - othersBefore) / passed, upstream: (await stand.upstreamRequests()) / measured.answered };
};

/** In the order of the programs. Throws when one of them answers anything but the reference. */
export const compare = async (comparison: Comparison): Promise<readonly Summary[]> => {
  const { programs, workload, rounds, warmUpSeconds } = comparison;
  const lengths: number[] = [];
  for (const program of programs) {
    const length = await verify(program.url, workload);
    await run({ url: program.url, workload, seconds: warmUpSeconds, atLeast: workload.bodies.length, length });
    lengths.push(length);
  }
  const measured: readonly Round[][] = programs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, program] of programs.entries()) measured[index]?.push(await oneRound(comparison, program, lengths[index] ?? 0));
  }
  return programs.map((program, index) => {
    const middle = (key: keyof Round): number => median((measured[index] ?? []).map((round) => round[key]));
    return { perSecond: middle('perSecond'), p50: middle('p50'), p99: middle('p99'), upstream: middle('upstream'), cpu: middle('cpu'), othersCpu: middle('othersCpu'), rssMiB: program.rssMiB() };
  });
};

/** One line of a printed table. */
export const row = (summary: Summary): Readonly<Record<string, number>> => ({
  'requests/s': Math.round(summary.perSecond),
  'p50 ms': Number(summary.p50.toFixed(1)),
  'p99 ms': Number(summary.p99.toFixed(1)),
  'upstream/request': Number(summary.upstream.toFixed(2)),
  'RSS MiB': Math.round(summary.rssMiB),
  'requests/CPU s': Math.round(summary.perSecond / summary.cpu),
  'CPU %': Math.round(100 * summary.cpu),
  'subgraphs + load CPU %': Math.round(100 * summary.othersCpu),
});
