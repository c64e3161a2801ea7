/** A server that closes waits for its connections, but not for ever: one client that says nothing would hold it open. */
import type { FastifyInstance } from 'fastify';

/** What connections have to end by themselves, in milliseconds. */
export const defaultDrainMs = 5_000;

/** Once `close()` was called, cuts off what is still connected after so long: silent, half said, or not yet answered. */
export const drainWithin = (app: Pick<FastifyInstance, 'server' | 'addHook'>, ms: number = defaultDrainMs): void => {
  app.addHook('preClose', (done) => {
    // Not waited for: a connection keeps the process alive by itself.
    const timer = setTimeout(() => app.server.closeAllConnections(), ms).unref();
    app.server.once('close', () => clearTimeout(timer));
    done();
  });
};
