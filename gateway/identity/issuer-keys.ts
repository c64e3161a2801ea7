/**
 * The public keys of one issuer. They are fetched when they are first needed, again when a token names a key that is not
 * known (within bounds, as anybody can name one), and anew from time to time, so that a key that was withdrawn does not
 * hold for ever. While the issuer cannot be reached, the keys known so far go on to serve.
 */
import { type JWTVerifyGetKey, createRemoteJWKSet, customFetch } from 'jose';
import { z } from 'zod';
import { UpstreamError } from '#core/errors.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import type { JwtIssuer } from './jwt-issuers.ts';

export type KeyTimes = {
  /** Milliseconds after a fetch within which an unknown key causes no other one. */
  readonly cooldownMs: number;
  /** Milliseconds after which known keys are fetched anew, beside the requests that they still serve. */
  readonly refreshMs: number;
  /** For discovery and for the keys, each. */
  readonly timeoutMs: number;
  /** Milliseconds for which an issuer that failed is left alone: anybody can name an unknown key. */
  readonly restMs: number;
};

const defaults: KeyTimes = { cooldownMs: 30_000, refreshMs: 300_000, timeoutMs: 5_000, restMs: 5_000 };
const largestAnswer = 512 * 1024;

const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });
const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

export type IssuerKeys = AsyncDisposable & {
  /** For jose. Throws an UpstreamError when no key is known and the issuer cannot be read. */
  readonly keyOf: JWTVerifyGetKey;
};

/** `onStale` is told when keys could not be fetched anew, and the old ones serve on. */
export const createIssuerKeys = (issuer: Pick<JwtIssuer, 'issuer' | 'jwksUri'>, onStale: (error: unknown) => void, times: Partial<KeyTimes> = {}): IssuerKeys => {
  const { cooldownMs, refreshMs, timeoutMs, restMs } = { ...defaults, ...times };
  // Whoever runs the hub names the issuer: it may well be on a private address.
  const http = createUpstreamHttp({ allowPrivateAddresses: true, timeoutMs, maxBytes: largestAnswer, retries: 0 });
  let jwksUri = issuer.jwksUri;
  let fetchedAt = 0;
  let failure: { readonly error: unknown; readonly at: number } | null = null;

  const discover = async (): Promise<string> => {
    const url = `${issuer.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const found = discovery.safeParse((await http.request({ url })).json);
    if (!found.success || found.data.issuer !== issuer.issuer) throw new UpstreamError('shape', 'The discovery document is not that of the issuer.');
    if (issuer.issuer.startsWith('https:') && !found.data.jwks_uri.startsWith('https:')) throw new UpstreamError('shape', 'The issuer names keys without TLS.');
    return found.data.jwks_uri;
  };
  const fetchKeys = async (): Promise<Response> => {
    jwksUri ??= await discover();
    const found = keySet.safeParse((await http.request({ url: jwksUri })).json);
    if (!found.success) throw new UpstreamError('shape', 'The issuer answers no set of keys.');
    fetchedAt = Date.now();
    return Response.json(found.data);
  };
  const fetchWithRest = async (): Promise<Response> => {
    if (failure && Date.now() - failure.at < restMs) throw failure.error;
    try {
      return await fetchKeys();
    } catch (error) {
      failure = { error, at: Date.now() };
      throw error;
    }
  };
  // Keys never run out by age alone: see above.
  const known = createRemoteJWKSet(new URL(jwksUri ?? issuer.issuer), { cacheMaxAge: Infinity, cooldownDuration: cooldownMs, timeoutDuration: 2 * timeoutMs, [customFetch]: fetchWithRest });

  return {
    async keyOf(header, token) {
      if (known.jwks() && Date.now() - fetchedAt > refreshMs && !known.reloading) known.reload().catch(onStale);
      return known(header, token);
    },
    [Symbol.asyncDispose]: () => http.close(),
  };
};
