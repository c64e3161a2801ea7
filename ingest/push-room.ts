/**
 * How many pushes may be on their way in this process: each is in memory until it is answered, and where its mapping is
 * slow it waits for those before it. What is beyond is refused, to be pushed again later.
 */
import { inboxFull } from './inbox.ts';

/** Of one service. */
export const mostPushes = 200;
export const mostBytes = 32 * 1024 * 1024;
/** Of all services. Beyond it each has one at a time, so that those who flood keep out no other. */
const mostBytesOfAll = 128 * 1024 * 1024;

type Held = { pushes: number; bytes: number };

export type PushRoom = {
  /** Does the work of a push, or throws INBOX_FULL. */
  hold<Result>(serviceId: string, bytes: number, work: () => Promise<Result>): Promise<Result>;
};

export const createPushRoom = (): PushRoom => {
  const services = new Map<string, Held>();
  let bytesOfAll = 0;
  return {
    async hold(serviceId, bytes, work) {
      const held = services.get(serviceId) ?? { pushes: 0, bytes: 0 };
      if (held.pushes >= mostPushes || held.bytes + bytes > mostBytes || (held.pushes > 0 && bytesOfAll + bytes > mostBytesOfAll)) throw inboxFull();
      services.set(serviceId, held);
      held.pushes += 1;
      held.bytes += bytes;
      bytesOfAll += bytes;
      try {
        return await work();
      } finally {
        held.pushes -= 1;
        held.bytes -= bytes;
        bytesOfAll -= bytes;
        if (held.pushes === 0) services.delete(serviceId);
      }
    },
  };
};
