/**
 * JWTs of configured issuers → viewers. Asymmetric signatures only: with a shared secret whoever can check a token can
 * make one. Whatever is wrong with a token is UNAUTHENTICATED with a `reason`, never a fault of ours.
 */
import { type JWTPayload, decodeJwt, errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { UnauthenticatedError, UpstreamError } from '#core/errors.ts';
import type { Logger } from '#core/logging.ts';
import { hashCredential } from '#core/secrets.ts';
import type { Viewer } from '#core/viewer.ts';
import { viewerOfClaims } from './claims.ts';
import { type IssuerKeys, type KeyTimes, createIssuerKeys } from './issuer-keys.ts';
import type { JwtIssuer } from './jwt-issuers.ts';

export type JwtIdentify = AsyncDisposable & {
  /** The viewer of a token; throws UnauthenticatedError for one that is not valid. */
  identify(token: string): Promise<Viewer>;
};

export type JwtIdentifyOptions = {
  readonly issuers: readonly JwtIssuer[];
  readonly logger: Logger;
  readonly times?: Partial<KeyTimes> & { /** Milliseconds for which a verified token is not verified again. */ readonly trustMs?: number };
};

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
/** Characters of a token; larger ones are not even read. */
const longestToken = 8_192;

/** Whether a credential has the form of a JWT: three parts. No key and no token of the hub has a dot. */
export const isJwt = (credential: string): boolean => credential.split('.', 4).length === 3;

type Trusted = { readonly issuer: JwtIssuer; readonly keys: IssuerKeys };

export const createJwtIdentify = ({ issuers, logger, times = {} }: JwtIdentifyOptions): JwtIdentify => {
  const onStale = (issuer: string) => (error: unknown) => logger.warn({ err: error, issuer }, 'the keys of an issuer could not be fetched anew; those known so far serve on');
  const trusted = new Map<string, Trusted>(issuers.map((issuer) => [issuer.issuer, { issuer, keys: createIssuerKeys(issuer, onStale(issuer.issuer), times) }]));
  const verified = new LRUCache<string, Viewer>({ max: 10_000, ttl: times.trustMs ?? 5_000 });

  const verify = async (token: string): Promise<Viewer> => {
    const found = trusted.get(issuerIn(token));
    if (!found) throw refuse('issuer', 'The token is of an issuer that is not configured here.');
    const { issuer, keys } = found;
    const payload = await jwtVerify(token, keys.keyOf, { algorithms, issuer: issuer.issuer, audience: issuer.audience, clockTolerance: issuer.clockToleranceSeconds, requiredClaims: ['exp', 'sub'] }).then(
      (result) => result.payload,
      (error: unknown) => {
        if (error instanceof UpstreamError || error instanceof errors.JWKSTimeout) logger.warn({ err: error, issuer: issuer.issuer }, 'the keys of an issuer cannot be read');
        throw refusalOf(error);
      },
    );
    refuseLongLived(payload, issuer);
    return viewerOfClaims(payload, issuer);
  };

  return {
    async identify(token) {
      if (token.length > longestToken) throw refuse('too_large', `The token has ${token.length} characters; at most ${longestToken} are read.`);
      const digest = hashCredential(token);
      const known = verified.get(digest);
      if (known && (known.expiresAt?.getTime() ?? 0) > Date.now()) return known;
      const viewer = await verify(token);
      verified.set(digest, viewer);
      return viewer;
    },
    async [Symbol.asyncDispose]() {
      for (const { keys } of trusted.values()) await keys[Symbol.asyncDispose]();
    },
  };
};

const refuse = (reason: string, message: string, facts: Record<string, string | number> = {}): UnauthenticatedError => new UnauthenticatedError(message, { reason, ...facts });

/** Not verified yet: it only says whose keys to verify with. */
const issuerIn = (token: string): string => {
  try {
    return String(decodeJwt(token).iss ?? '');
  } catch {
    throw refuse('malformed', 'The token is no JWT.');
  }
};

const refuseLongLived = ({ exp = 0 }: JWTPayload, { maxLifetimeSeconds }: JwtIssuer): void => {
  const left = exp - Math.floor(Date.now() / 1000);
  if (!Number.isFinite(exp) || left > maxLifetimeSeconds) throw refuse('lifetime', `The token is good for ${left} more seconds; at most ${maxLifetimeSeconds} are accepted.`, { claim: 'exp', maximum: maxLifetimeSeconds });
};

const refusalOf = (error: unknown): UnauthenticatedError => {
  if (error instanceof errors.JWTExpired) return refuse('expired', 'The token has expired.', { claim: 'exp' });
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return refuse('signature', 'The signature of the token is wrong.');
  if (error instanceof errors.JOSEAlgNotAllowed) return refuse('algorithm', `The token must be signed with one of: ${algorithms.join(', ')}.`);
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return refuse('key', 'The token is signed with a key that its issuer does not name.');
  if (error instanceof UpstreamError || error instanceof errors.JWKSTimeout) return refuse('issuer_unavailable', 'The keys of the token\'s issuer cannot be read at the moment.');
  return refuse('malformed', 'The token cannot be read.');
};

const claimRefusal = ({ claim }: errors.JWTClaimValidationFailed): UnauthenticatedError => {
  if (claim === 'nbf') return refuse('not_yet_valid', 'The token is not valid yet.', { claim });
  if (claim === 'aud') return refuse('audience', 'The token is not meant for this hub.', { claim });
  return refuse('claim', `The token's claim \`${claim}\` is missing or wrong.`, { claim });
};
