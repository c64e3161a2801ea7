/**
 * `node bench/gateway/quick.ts [big|small|variables] [off|fetches|requests] [seconds]`: ours beside the bare program (for
 * the small query: the proxy; with variables: alone), for whoever changes the gateway.
 */
import { compare, row } from './measure.ts';
import type { Sharing } from './ours.ts';
import { createStand } from './stand.ts';
import { type WorkloadName, workload } from './workloads.ts';

const [name = 'big', sharing = 'off', seconds = '4'] = process.argv.slice(2).filter((word) => word !== 'sharing');
const load = workload(name as WorkloadName);
const rounds = 4;

await using stand = await createStand();
const ours = await stand.ours(sharing as Sharing);
// The limit's answer is a stored one, so that it has none for other variables.
const limit = name === 'variables' ? null : await stand.limit(ours, load);
const [oursMeasured, limitMeasured] = await compare({ stand, programs: limit ? [ours, limit] : [ours], workload: load, rounds, seconds: Number(seconds) / rounds, warmUpSeconds: 2 });
if (!oursMeasured) throw new Error('Nothing was measured.');
console.table({ [`ours, sharing ${sharing}`]: row(oursMeasured), ...(limit && limitMeasured ? { [limit.name]: row(limitMeasured) } : {}) });
if (limit && limitMeasured) console.log(`${name}: ours / ${limit.name} = ${(oursMeasured.perSecond / limitMeasured.perSecond).toFixed(2)}`);
