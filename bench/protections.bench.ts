/** What every protection costs: identity, authorization, budgets and limits, metrics, on the benchmark's queries. */
import { compare, row } from './gateway/measure.ts';
import { createStand } from './gateway/stand.ts';
import { type WorkloadName, workload } from './gateway/workloads.ts';

await using stand = await createStand();
const open = await stand.ours('off');
const guarded = await stand.guarded();
const token = await guarded.ask<string>('token');

for (const name of ['big', 'small'] satisfies WorkloadName[]) {
  const [without, within] = await compare({ stand, programs: [open, guarded], workload: { ...workload(name), authorization: `Bearer ${token}` }, rounds: 9, seconds: 3, warmUpSeconds: 3 });
  if (!without || !within) throw new Error('Nothing was measured.');
  console.table({ 'without protections': row(without), 'every protection on': row(within) });
  const perCpuSecond = (within.perSecond / within.cpu) / (without.perSecond / without.cpu);
  console.log(`${name}: with every protection / without = ${(within.perSecond / without.perSecond).toFixed(2)} (by processor time ${perCpuSecond.toFixed(2)}); wanted at least 0.85`);
}
