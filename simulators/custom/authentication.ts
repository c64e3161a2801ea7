/** Who may ask the venue desk, in each way that services have. */
import type { KeyObject } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jwtVerify } from 'jose';
import { sha256Hex } from '#core/digest.ts';

export type Authentication =
  | { readonly kind: 'none' }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'query'; readonly name: string; readonly value: string }
  | { readonly kind: 'oauth2'; readonly clientId: string; readonly clientSecret: string; readonly method: 'basic' | 'post'; readonly scope?: string; readonly audience?: string; /** Seconds, as it is told. */ readonly lifetime: number }
  | { readonly kind: 'jwt'; readonly algorithm: string; readonly key: KeyObject; readonly issuer?: string; readonly subject?: string; readonly audience?: string };

export type Desk = {
  /** Whether the request is let in. */
  admits(request: FastifyRequest): Promise<boolean>;
  /** Tokens that were handed out so far. */
  readonly tokens: string[];
  /** Forgets every token, as a service that was started anew does. */
  forgetTokens(): void;
};

/** Answers `POST /token` besides, where tokens are needed. */
export const createDesk = (app: FastifyInstance, authentication: Authentication, now: () => number): Desk => {
  const tokens: string[] = [];
  const valid = new Map<string, number>();
  const bearer = (request: FastifyRequest): string => /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (authentication.kind === 'oauth2')
    app.post('/token', async (request, reply) => {
      const form = new URLSearchParams(request.body as string);
      if (!isClient(authentication, request, form)) return reply.code(401).send({ error: 'invalid_client' });
      if (form.get('grant_type') !== 'client_credentials') return reply.code(400).send({ error: 'unsupported_grant_type' });
      if ((authentication.scope ?? null) !== form.get('scope') || (authentication.audience ?? null) !== form.get('audience')) return reply.code(400).send({ error: 'invalid_scope' });
      const token = sha256Hex(`token ${tokens.length}`);
      tokens.push(token);
      valid.set(token, now() + authentication.lifetime * 1000);
      return { access_token: token, token_type: 'Bearer', expires_in: authentication.lifetime };
    });
  return {
    tokens,
    forgetTokens: () => valid.clear(),
    async admits(request) {
      switch (authentication.kind) {
        case 'none':
          return true;
        case 'header':
          return request.headers[authentication.name.toLowerCase()] === authentication.value;
        case 'query':
          return new URL(request.url, 'http://desk').searchParams.get(authentication.name) === authentication.value;
        case 'oauth2':
          return (valid.get(bearer(request)) ?? 0) > now();
        case 'jwt': {
          const { algorithm, key, issuer, subject, audience } = authentication;
          return jwtVerify(bearer(request), key, { algorithms: [algorithm], currentDate: new Date(now()), requiredClaims: ['exp', 'iat'], ...(issuer ? { issuer } : {}), ...(subject ? { subject } : {}), ...(audience ? { audience } : {}) }).then(() => true, () => false);
        }
      }
    },
  };
};

const isClient = ({ clientId, clientSecret, method }: Extract<Authentication, { kind: 'oauth2' }>, request: FastifyRequest, form: URLSearchParams): boolean => {
  if (method === 'post') return form.get('client_id') === clientId && form.get('client_secret') === clientSecret && request.headers.authorization === undefined;
  const [id, secret] = Buffer.from(/^Basic (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '', 'base64').toString().split(':').map((part) => new URLSearchParams(`_=${part}`).get('_'));
  return id === clientId && secret === clientSecret && !form.has('client_secret');
};
