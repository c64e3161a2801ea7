/** What benches share: medians of alternating runs, and a database of their own. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '#core/embedded-postgres.ts';

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
};

/** The value below which this part (0 to 1) of them is. */
export const quantile = (values: readonly number[], part: number): number => values.toSorted((a, b) => a - b)[Math.floor(part * (values.length - 1))] ?? NaN;

/** Runs both in turns and answers the medians of what they measured. The machine is noisy; turns share its moods. */
export const alternate = async (rounds: number, ours: (round: number) => Promise<number>, peer: (round: number) => Promise<number>): Promise<{ ours: number; peer: number; ratio: number }> => {
  const measured = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    measured.ours.push(await ours(round));
    measured.peer.push(await peer(round));
  }
  const [a, b] = [median(measured.ours), median(measured.peer)];
  return { ours: a, peer: b, ratio: a / b };
};

export type BenchDatabase = AsyncDisposable & { readonly url: string; readonly dataDir: string; /** A connection, ended with the database. */ connect(): Promise<pg.Client> };

/** A PostgreSQL as the hub itself starts it: durable, with its ordinary settings. */
export const benchDatabase = async (): Promise<BenchDatabase> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventgraph-bench-'));
  await chmod(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir, password: 'bench' });
  const clients: pg.Client[] = [];
  return {
    url: postgres.url,
    dataDir,
    async connect() {
      const client = new pg.Client({ connectionString: postgres.url });
      await client.connect();
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.end();
      await postgres[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

/** Seconds that some work takes. */
export const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};
