/**
 * Signing in to an upstream, for all connectors: whatever the credentials are, `signedIn` answers what calls with them.
 *
 * Tokens of OAuth 2.0 client credentials (RFC 6749, 4.4) are kept in memory until shortly before they end, fetched once
 * however many wait for one, and fetched anew once when the upstream answers 401: it may have forgotten them. A JWT
 * that the hub signs is made for each call. No error here says anything of a key, secret or token.
 */
import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { ConnectorContext, JwtSigning, OAuth2Credentials, SignIn } from './connector.ts';
import { sha256 } from './digest.ts';
import { UpstreamError } from './errors.ts';
import type { UpstreamHttp, UpstreamRequest, UpstreamResponse } from './upstream-http.ts';

/** How an API key is sent by products of this kind, unless its credentials say otherwise: `Bearer`, `Token`. */
export type SignInDefaults = { readonly prefix: string };

/** Calls the upstream as the service's credentials say. What the request itself has in a header wins. */
export const signedIn = ({ service, http, httpFor, now }: Pick<ConnectorContext, 'service' | 'http' | 'httpFor' | 'now'>, defaults: SignInDefaults = { prefix: 'Bearer' }): Pick<UpstreamHttp, 'request'> => {
  const { credentials } = service;
  const bearing = (token: string, request: UpstreamRequest) => http.request({ ...request, headers: { authorization: `Bearer ${token}`, ...request.headers } });
  switch (credentials.type) {
    case 'none':
      return http;
    case 'api_key':
      return { request: (request) => http.request(withApiKey(request, credentials, defaults)) };
    case 'jwt':
      return { request: async (request) => bearing('token' in credentials ? credentials.token : await signJwt(credentials.sign, now()), request) };
    case 'oauth2':
      return { request: (request) => withToken(tokensOf(httpFor('token endpoint'), credentials, now), (token) => bearing(token, request)) };
  }
};

const withApiKey = (request: UpstreamRequest, { apiKey, header, prefix, parameter }: Extract<SignIn, { type: 'api_key' }>, defaults: SignInDefaults): UpstreamRequest => {
  if (parameter !== undefined) {
    const url = new URL(request.url);
    url.searchParams.set(parameter, apiKey);
    return { ...request, url };
  }
  const before = prefix ?? (header === undefined || header.toLowerCase() === 'authorization' ? defaults.prefix : '');
  return { ...request, headers: { [header ?? 'authorization']: before === '' ? apiKey : `${before} ${apiKey}`, ...request.headers } };
};

/** The key that signs; throws where the text is none, or one of another kind. */
export const signingKey = ({ algorithm, key }: Pick<JwtSigning, 'algorithm' | 'key'>): KeyObject => {
  if (algorithm.startsWith('HS')) return createSecretKey(Buffer.from(key));
  const made = createPrivateKey(key.trimStart().startsWith('{') ? { key: JSON.parse(key) as Record<string, string>, format: 'jwk' } : key);
  const { modulusLength = 0, namedCurve } = made.asymmetricKeyDetails ?? {};
  const fits = { RS256: made.asymmetricKeyType === 'rsa' && modulusLength >= 2048, PS256: made.asymmetricKeyType === 'rsa' && modulusLength >= 2048, ES256: namedCurve === 'prime256v1', EdDSA: made.asymmetricKeyType === 'ed25519' };
  if (!fits[algorithm as keyof typeof fits]) throw new TypeError(`the key does not fit ${algorithm}`);
  return made;
};

const signJwt = ({ algorithm, key, keyId, issuer, subject, audience, lifetime }: JwtSigning, now: Date): Promise<string> => {
  const issuedAt = Math.floor(now.getTime() / 1000);
  const jwt = new SignJWT({ jti: crypto.randomUUID(), ...(issuer === undefined ? {} : { iss: issuer }), ...(subject === undefined ? {} : { sub: subject }), ...(audience === undefined ? {} : { aud: audience }) });
  return jwt
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetime)
    .sign(signingKey({ algorithm, key }));
};

type Token = { readonly value: string; /** Milliseconds since 1970; it is not used from then on. */ readonly until: number };
type Tokens = { current(): Promise<string>; /** Forgets this token, unless it was replaced already. */ forget(token: string): void };

const withToken = async (tokens: Tokens, call: (token: string) => Promise<UpstreamResponse>): Promise<UpstreamResponse> => {
  const token = await tokens.current();
  try {
    return await call(token);
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.facts.status !== 401) throw error;
    tokens.forget(token);
    return call(await tokens.current());
  }
};

/** Tokens of a service live as long as its connections, and end with other credentials. */
const known = new WeakMap<Pick<UpstreamHttp, 'request'>, { readonly of: string; readonly tokens: Tokens }>();

const tokensOf = (http: Pick<UpstreamHttp, 'request'>, credentials: OAuth2Credentials, now: () => Date): Tokens => {
  const of = sha256(JSON.stringify(credentials));
  const kept = known.get(http);
  if (kept?.of === of) return kept.tokens;
  const tokens = createTokens(http, credentials, now);
  known.set(http, { of, tokens });
  return tokens;
};

const createTokens = (http: Pick<UpstreamHttp, 'request'>, credentials: OAuth2Credentials, now: () => Date): Tokens => {
  let held: Token | null = null;
  let fetching: Promise<Token> | null = null;
  return {
    async current() {
      if (held && now().getTime() < held.until) return held.value;
      // Whoever gives up leaves the fetch to the others: it has a time limit of its own.
      fetching ??= fetchToken(http, credentials, now).finally(() => (fetching = null));
      held = await fetching;
      return held.value;
    },
    forget(token) {
      if (held?.value === token) held = null;
    },
  };
};

/** RFC 6749, 5.1. Some say the seconds as text, and some do not say the type. */
const tokenAnswer = z.object({ access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/), token_type: z.string().regex(/^bearer$/i).nullish(), expires_in: z.coerce.number().positive().nullish() });

const fetchToken = async (http: Pick<UpstreamHttp, 'request'>, { clientId, clientSecret, tokenUrl, scope, audience, authMethod }: OAuth2Credentials, now: () => Date): Promise<Token> => {
  const inBody = authMethod === 'client_secret_post';
  const asked = now().getTime();
  const form = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }), ...(audience === undefined ? {} : { audience }), ...(inBody ? { client_id: clientId, client_secret: clientSecret } : {}) };
  const answer = await http.request({ method: 'POST', url: tokenUrl, form, headers: inBody ? {} : { authorization: basic(clientId, clientSecret) } }).catch((error: unknown) => {
    throw error instanceof UpstreamError ? new UpstreamError(error.reason, `No token could be fetched from the token endpoint: ${error.message}`, { ...error.facts, field }, { cause: error }) : error;
  });
  const parsed = tokenAnswer.safeParse(answer.json);
  if (!parsed.success) throw new UpstreamError('shape', 'The token endpoint does not answer with a bearer token as RFC 6749 has it.', { field });
  const lifetimeMs = parsed.data.expires_in == null ? Infinity : parsed.data.expires_in * 1000;
  return { value: parsed.data.access_token, until: asked + lifetimeMs - Math.min(marginMs, lifetimeMs / 10) };
};

/** Of a registration, when no token can be had. */
const field = 'input.authentication.credentials';
/** A token ends so long before the upstream says: calls take time, and clocks differ. */
const marginMs = 30_000;

/** RFC 6749, 2.3.1: both are encoded as in a form before they are joined. */
const basic = (clientId: string, clientSecret: string): string => {
  const encoded = (text: string) => new URLSearchParams({ _: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString('base64')}`;
};
