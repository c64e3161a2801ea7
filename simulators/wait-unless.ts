/** For what simulated products try again later. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Until so many milliseconds are over, or at once when the signal is aborted. */
export const waitUnless = (signal: AbortSignal, ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
