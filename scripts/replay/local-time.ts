/**
 * Local time of a place, as an instant.
 */

/** `zone`'s distance from UTC at an instant, in milliseconds (east is positive). */
const offsetAt = (instant: number, zone: string): number => {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' }).formatToParts(instant);
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((each) => each.type === type)?.value);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - Math.floor(instant / 1000) * 1000;
};

const format = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/;

/**
 * Milliseconds since 1970 of a local time such as `2019-05-06T08:30:28`; undefined where it is not a time at all.
 * A time that occurs twice (clocks go back) is the earlier one; one that is skipped (clocks go forward) is as far
 * after the gap as it lies in it.
 */
export const instantOf = (local: string, zone: string): number | undefined => {
  if (!format.test(local)) return undefined;
  const asUtc = Date.parse(`${local}Z`);
  // Date.parse takes the 31st of February for the 3rd of March: not a time that was.
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== local) return undefined;
  const day = 86_400_000;
  const before = asUtc - offsetAt(asUtc - day, zone);
  const after = asUtc - offsetAt(asUtc + day, zone);
  for (const candidate of [before, after]) if (candidate + offsetAt(candidate, zone) === asUtc) return candidate;
  return before;
};
