/** How long the asking process still waits, told to the one that is asked: as time left, since clocks differ. */

/** Whole milliseconds, at least 1. */
export const deadlineHeader = 'x-eventgraph-deadline-ms';

/** Timers count no further; nobody waits for as long. */
const longestMs = 2 ** 31 - 1;

/** Undefined where the header is absent or says nothing that can be waited for. */
export const timeLeftIn = (headers: Readonly<Record<string, unknown>>): number | undefined => {
  const text = headers[deadlineHeader];
  if (typeof text !== 'string' || !/^\d{1,10}$/.test(text)) return undefined;
  return Math.min(longestMs, Math.max(1, Number(text)));
};
