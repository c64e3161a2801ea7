/** What every gateway bench stands on: the subgraphs, their supergraph in a file, and the programs started over them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OursSettings, Sharing } from './ours.ts';
import { type Program, startProgram } from './processes.ts';
import type { ProtectedSettings } from './protected.ts';
import { type SubgraphName, supergraphOf } from './schemas.ts';
import type { Recorded } from './subgraphs.ts';
import type { Workload } from './workloads.ts';

export type Stand = AsyncDisposable & {
  readonly supergraphFile: string;
  readonly subgraphs: Program;
  readonly urls: Readonly<Record<SubgraphName, string>>;
  ours(sharing: Sharing): Promise<Program>;
  /** Ours with every protection on; it answers `token`. */
  guarded(): Promise<Program>;
  /** The fetches that `gateway` makes for the workload's first body. */
  record(gateway: Program, workload: Workload): Promise<readonly Recorded[]>;
  /** The bare program with the fetches that `gateway` makes, or the proxy where that is a single one. */
  limit(gateway: Program, workload: Workload): Promise<Program>;
  /** Puts a program among those that end with the stand. */
  keep(program: Program): Program;
  /** Requests to the subgraphs since this was last asked. */
  upstreamRequests(): Promise<number>;
};

export const createStand = async (): Promise<Stand> => {
  const dir = await mkdtemp(join(tmpdir(), 'eventgraph-bench-'));
  const programs = new AsyncDisposableStack();
  programs.defer(() => rm(dir, { recursive: true, force: true }));
  const keep = (program: Program): Program => programs.use(program);
  const start = async (...args: Parameters<typeof startProgram>): Promise<Program> => keep(await startProgram(...args));

  const flags = await flagsOfStart();
  const subgraphs = await start({ name: 'subgraphs', file: 'subgraphs.ts', settings: {} });
  const urls = JSON.parse(subgraphs.url) as Record<SubgraphName, string>;
  const supergraphFile = join(dir, 'supergraph.graphql');
  await writeFile(supergraphFile, supergraphOf(urls));

  const record = async (gateway: Program, workload: Workload): Promise<readonly Recorded[]> => {
    await subgraphs.ask('record');
    await fetch(gateway.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: workload.bodies[0] });
    return subgraphs.ask<readonly Recorded[]>('recorded');
  };
  return {
    supergraphFile,
    subgraphs,
    urls,
    ours: (sharing) => start({ name: `ours, sharing ${sharing}`, file: 'ours.ts', settings: { supergraphFile, sharing } satisfies OursSettings, flags }),
    guarded: () => start({ name: 'ours, guarded', file: 'protected.ts', settings: { supergraphFile } satisfies ProtectedSettings, flags }),
    record,
    async limit(gateway, workload) {
      const requests = await record(gateway, workload);
      const [only] = requests;
      if (only && requests.length === 1) return start({ name: 'proxy', file: 'proxy.ts', settings: { url: urls[only.subgraph] } });
      return start({ name: 'bare', file: 'bare.ts', settings: { urls, requests, answer: JSON.stringify(await workload.reference(0)) } });
    },
    keep,
    upstreamRequests: async () => Object.values(await subgraphs.ask<Record<string, number>>('counts')).reduce((sum, count) => sum + count, 0),
    [Symbol.asyncDispose]: () => programs.disposeAsync(),
  };
};

/** Of Node, as `npm start` gives them. */
const flagsOfStart = async (): Promise<readonly string[]> => {
  const { scripts } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as { readonly scripts: { readonly start: string } };
  return scripts.start.match(/--\S+/g) ?? [];
};
