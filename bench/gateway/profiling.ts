/** Inside a program: answers that start and end a profile of its processor time, so that starting up is not in it. */
import { type Profiler, Session } from 'node:inspector/promises';

let session: Session | undefined;

export const profiling = {
  startProfile: async (): Promise<void> => {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    // In microseconds.
    await session.post('Profiler.setSamplingInterval', { interval: 250 });
    await session.post('Profiler.start');
  },
  stopProfile: async (): Promise<Profiler.Profile | undefined> => {
    const stopped = await session?.post('Profiler.stop');
    session?.disconnect();
    return stopped?.profile;
  },
};
