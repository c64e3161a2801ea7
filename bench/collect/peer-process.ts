import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export type CollectorPeer = AsyncDisposable & { readonly url: string };

/** The peer in a process of its own, over this database. */
export const startCollectorPeer = async (databaseUrl: string): Promise<CollectorPeer> => {
  const child = fork(join(import.meta.dirname, 'peer.ts'), [databaseUrl], { env: { ...process.env, NODE_ENV: 'production' } });
  const gone = once(child, 'exit');
  const [url] = (await Promise.race([once(child, 'message'), gone.then(([code]) => Promise.reject(new Error(`the peer ended with ${code}`)))])) as [string];
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill();
      await gone;
    },
  };
};
