import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';

/**
 * Aborted when the client goes away: with its connection, whose requests share one signal, as making one for each costs
 * more than reading the request.
 */
export const connectionSignal = ({ raw: { socket } }: FastifyRequest): AbortSignal => {
  let signal = signals.get(socket);
  if (!signal) {
    const abort = new AbortController();
    signals.set(socket, (signal = abort.signal));
    if (socket.destroyed) abort.abort();
    else socket.once('close', () => abort.abort());
  }
  return signal;
};
const signals = new WeakMap<Socket, AbortSignal>();
