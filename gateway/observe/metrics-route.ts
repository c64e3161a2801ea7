/** `GET /metrics`: for whoever asks from this machine itself, for keys of admins, and for everybody where that is configured. */
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type EventgraphError, ForbiddenError, UnauthenticatedError } from '#core/errors.ts';
import { isAllowed } from '#core/viewer.ts';
import { type Identify, credentialIn } from '../doors/credentials.ts';
import type { Metrics } from './metrics.ts';

export type MetricsRouteOptions = {
  readonly metrics: Metrics;
  readonly identify: Identify;
  readonly isPublic: boolean;
};

export const metricsRoute =
  ({ metrics, identify, isPublic }: MetricsRouteOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get('/metrics', async (request, reply) => {
      const refusal = isPublic || isFromHere(request) ? null : await refusalOf(request, identify);
      if (!refusal) return reply.header('content-type', metrics.contentType).send(await metrics.text());
      const isKnown = refusal instanceof ForbiddenError;
      if (!isKnown) reply.header('www-authenticate', 'Bearer');
      return reply.code(isKnown ? 403 : 401).send({ errors: [{ message: refusal.message, extensions: { code: refusal.code } }] });
    });
  };

const refusalOf = async (request: FastifyRequest, identify: Identify): Promise<EventgraphError | null> => {
  try {
    const credential = credentialIn(request.headers);
    if (credential === null) return new UnauthenticatedError();
    return isAllowed(await identify(credential), 'admin') ? null : new ForbiddenError();
  } catch (error) {
    if (error instanceof UnauthenticatedError) return error;
    throw error;
  }
};

/** A proxy on the same machine asks for others, and says so. */
const forwarding = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/** Who asked for this machine by a name of the DNS may be a page whose name was made to mean it (DNS rebinding). */
const namesThisMachine = (host = ''): boolean => {
  const name = URL.parse(`http://${host}`)?.hostname ?? '';
  return name === 'localhost' || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
};

const isFromHere = ({ ip, headers }: FastifyRequest): boolean => (ip === '::1' || /^(::ffff:)?127\./.test(ip)) && namesThisMachine(headers.host) && forwarding.every((name) => headers[name] === undefined);
