/** What is told of a body that is too large, whichever door it came to. */
import type { FastifyRequest } from 'fastify';

export type Excess = { readonly message: string; readonly limit: string; readonly value: number; readonly maximum: number };

/** The size is the one that was announced; what comes in chunks is cut off where it is too much. */
export const excessOfBody = ({ headers, routeOptions: { bodyLimit } }: FastifyRequest): Excess => {
  const value = Number(headers['content-length'] ?? bodyLimit + 1);
  return { message: `The body has ${value} bytes; the maximum is ${bodyLimit}.`, limit: 'body size in bytes', value, maximum: bodyLimit };
};
