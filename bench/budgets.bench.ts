/**
 * Two gateways that count one budget in one Redis, under load: whether what they accept together is the budget. And what
 * counting costs, beside the same gateway that counts nothing.
 */
import { randomUUID } from 'node:crypto';
import { startRedis } from '../scripts/redis.ts';
import type { BudgetedSettings } from './gateway/budgeted.ts';
import { compare, row } from './gateway/measure.ts';
import { type Program, startProgram } from './gateway/processes.ts';
import { createStand } from './gateway/stand.ts';
import { type WorkloadName, workload } from './gateway/workloads.ts';

const units = Number(process.env.BENCH_UNITS ?? 50_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.BENCH_SECONDS ?? 2);

/** Estimated at 1, 10 and 110; what is not used is given back. */
const queries = ['{ me { name } }', '{ users { name } }', '{ users { name reviews { id } } }'];

/** Objects below the root: what each of them costs here, where nothing has a weight of its own. */
const objectsIn = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + objectsIn(each), 0);
  return typeof value === 'object' && value !== null ? 1 + Object.values(value).reduce<number>((sum, each) => sum + objectsIn(each), 0) : 0;
};

type Answer = { readonly data?: object; readonly errors?: readonly { readonly extensions: { readonly code: string } }[] };

/** Asks on, in turns, until the cheapest query too is refused. Answers the cost of what was accepted. */
const spend = async (gateways: readonly Program[], first: number): Promise<number> => {
  let accepted = 0;
  for (let turn = first, refusedInRow = 0; refusedInRow < 2 * queries.length; turn++) {
    const response = await fetch(gateways[turn % gateways.length]?.url ?? '', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: queries[turn % queries.length] }) });
    const { data, errors } = (await response.json()) as Answer;
    if (response.status !== 429 && (!data || errors)) throw new Error(`A gateway answers ${response.status}: ${JSON.stringify(errors)}`);
    refusedInRow = response.status === 429 ? refusedInRow + 1 : 0;
    accepted += data ? objectsIn(data) - 1 : 0;
  }
  return accepted;
};

await using redis = await startRedis();
await using stand = await createStand();
const { supergraphFile } = stand;
const start = async (name: string, settings: Omit<BudgetedSettings, 'supergraphFile'>): Promise<Program> => stand.keep(await startProgram({ name, file: 'budgeted.ts', settings: { supergraphFile, ...settings } satisfies BudgetedSettings }));

const client = randomUUID();
const gateways = [await start('gateway 1', { redisUrl: redis.url, client, units }), await start('gateway 2', { redisUrl: redis.url, client, units })];
const accepted = (await Promise.all(Array.from({ length: 40 }, (_, index) => spend(gateways, index)))).reduce((sum, each) => sum + each, 0);
console.log(`two gateways, one Redis, 40 clients: accepted cost / budget = ${accepted} / ${units} = ${(accepted / units).toFixed(4)}; wanted 0.99 to 1.00`);
for (const gateway of gateways) await gateway[Symbol.asyncDispose]();

const without = await stand.ours('off');
const inProcess = await start('counted in the process', { redisUrl: null, client, units: 1e15 });
const inRedis = await start('counted in Redis', { redisUrl: redis.url, client: randomUUID(), units: 1e15 });
for (const name of ['big', 'small'] satisfies WorkloadName[]) {
  const [none, process_, shared] = await compare({ stand, programs: [without, inProcess, inRedis], workload: workload(name), rounds, seconds, warmUpSeconds: 2 });
  if (!none || !process_ || !shared) throw new Error('Nothing was measured.');
  console.table({ 'not counted': row(none), [inProcess.name]: row(process_), [inRedis.name]: row(shared) });
  for (const [how, each] of [['in the process', process_], ['in Redis', shared]] as const) console.log(`${name}: budgets counted ${how} / not counted = ${(each.perSecond / none.perSecond).toFixed(2)} (by processor time ${(each.perSecond / each.cpu / (none.perSecond / none.cpu)).toFixed(2)})`);
}
if (accepted > units || accepted < 0.99 * units) process.exitCode = 1;
