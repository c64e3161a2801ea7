import type { FastifyRequest } from 'fastify';

/** Path of a request as logs and traces tell it. Of REST it is the route: what stands in a path there may name a person. */
export const toldPath = ({ url, routeOptions }: Pick<FastifyRequest, 'url' | 'routeOptions'>): string => {
  const path = url.split('?')[0] ?? '';
  return path.startsWith('/api/') ? (routeOptions.url ?? '/api/*') : path;
};
