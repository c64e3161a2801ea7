/**
 * Fits the arrival curve of the demo on a file of real badge scans, and says how well it fits.
 *
 *   npx node scripts/fit-arrivals.ts FILE [ZONE]
 *
 * The file does not say when its sessions were to start. Sessions of one slot (at least 20 joins, all within 150
 * minutes) are taken to start at the half hour nearest to the moment by which a quarter had joined. The curve is the
 * table of quantiles of the joins' minutes after that start, pooled, with straight lines between. Goodness is the
 * Kolmogorov-Smirnov distance: of the curve to the joins it was fitted on, and of a curve fitted without a session's
 * joins to the joins of that session (which is what a demo of a new session is).
 */
import { readFile } from 'node:fs/promises';
import { type QuantileTable, arrivalMinutes, kolmogorovSmirnov, quantileTable } from '#simulators/gatekeeper/arrivals.ts';
import { type Scan, parseScans } from './replay/scan-file.ts';

const minute = 60_000;

/** Minutes after its start of each join, by session. */
export const offsetsBySession = (scans: readonly Scan[]): Map<string, number[]> => {
  const joins = Map.groupBy(scans.filter(({ type }) => type === 'join'), ({ session }) => session);
  const offsets = new Map<string, number[]>();
  for (const [session, rows] of joins) {
    const times = rows.map(({ at }) => at).sort((left, right) => left - right);
    const [first, quarter, last] = [times[0], times[Math.floor((times.length - 1) / 4)], times.at(-1)];
    if (first === undefined || quarter === undefined || last === undefined || times.length < 20 || last - first > 150 * minute) continue;
    const start = Math.round(quarter / (30 * minute)) * 30 * minute;
    offsets.set(session, times.map((at) => (at - start) / minute));
  }
  return offsets;
};

const report = async (file: string, zone: string): Promise<void> => {
  const offsets = offsetsBySession(parseScans(await readFile(file, 'utf8'), zone));
  const all = [...offsets.values()].flat();
  const distance = (table: QuantileTable, sample: readonly number[]) => kolmogorovSmirnov(table, sample).toFixed(3);
  const fitted = quantileTable(all, arrivalMinutes.length - 1);
  console.log(`${offsets.size} sessions of one slot, ${all.length} joins; minutes after the start at each ${100 / (fitted.length - 1)} %:`);
  console.log(fitted.map((value) => value.toFixed(1)).join(', '));
  console.log(`Kolmogorov-Smirnov distance of this fit: ${distance(fitted, all)}; of the committed table: ${distance(arrivalMinutes, all)}`);
  const held = [...offsets].map(([session, own]) => ({ session, joins: own.length, ks: kolmogorovSmirnov(quantileTable([...offsets].flatMap(([other, each]) => (other === session ? [] : each)), fitted.length - 1), own) }));
  for (const { session, joins, ks } of held.sort((left, right) => left.ks - right.ks)) console.log(`  without ${session.padEnd(8)} (${String(joins).padStart(3)} joins), to it: ${ks.toFixed(3)}`);
  console.log(`Median of these: ${held[Math.floor(held.length / 2)]?.ks.toFixed(3)}`);
};

if (import.meta.main) {
  const [file, zone = 'America/Sao_Paulo'] = process.argv.slice(2);
  if (!file) {
    console.error('usage: npx node scripts/fit-arrivals.ts FILE [ZONE]');
    process.exitCode = 1;
  } else await report(file, zone);
}
