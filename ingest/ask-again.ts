/**
 * Pulls that follow the one that a hint caused, for upstreams whose reads lag behind their pushes: the first may not see
 * yet what it was asked for. However many hint, one pull waits for each of the times, and is put off by the next hint,
 * which has a pull of its own at once: so the last hint is followed by all of them.
 */
import { enqueue } from '#core/jobs.ts';
import type { Ingest } from './ingest.ts';
import { pullSpec, pullTask } from './pull-jobs.ts';

/** `after`: seconds from now. */
export const askAgain = async (ingest: Ingest, serviceId: string, after: readonly number[] = []): Promise<void> => {
  const em = ingest.hub.database.em();
  for (const [place, seconds] of after.entries()) await enqueue(em, pullTask, { serviceId }, { ...pullSpec(serviceId), key: `pull:${serviceId}:again:${place}`, runAt: new Date(Date.now() + seconds * 1000) });
};
