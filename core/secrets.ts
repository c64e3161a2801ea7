/**
 * Everything that is done with the hub's one secret: encryption at rest, keyed hashes, and short-lived signatures
 * between the hub's own processes. Each purpose has a key of its own, derived by HKDF (RFC 5869), so that one that
 * leaks opens nothing else.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { SignJWT, jwtVerify } from 'jose';
import { sha256 } from './digest.ts';
import { UnauthenticatedError } from './errors.ts';
import { type SerializedViewer, type Viewer, deserializeViewer, serializeViewer } from './viewer.ts';

export type Secrets = {
  /** AES-256-GCM; the result carries its nonce and tag and is text. */
  encrypt(plain: string): string;
  /** Throws when the text was not made by `encrypt` under this secret, or was changed. */
  decrypt(sealed: string): string;
  /** Keyed hash of a participant; `scope` (the service) keeps equal numbers of two upstreams apart. */
  hashParticipant(scope: string, raw: string): string;
  /** A key for a purpose of its own, as text: equal wherever the secret is. */
  deriveKey(purpose: string): string;
  /** A viewer for a subgraph in another process; good for a minute. */
  signViewer(viewer: Viewer): Promise<string>;
  /** Throws an UnauthenticatedError for anything but a fresh signature of `signViewer`. */
  verifyViewer(token: string): Promise<Viewer>;
};

const issuer = 'eventgraph';

export const createSecrets = (secret: string): Secrets => {
  // Key objects: with bytes every call would make one anew, which takes longer than the call.
  const keyFor = (purpose: string) => createSecretKey(Buffer.from(hkdfSync('sha256', secret, 'eventgraph', purpose, 32)));
  const encryption = keyFor('encryption at rest');
  const participants = keyFor('participants');
  const viewers = keyFor('viewers between processes');

  return {
    encrypt(plain) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', encryption, nonce);
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    decrypt(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', encryption, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
    hashParticipant: (scope, raw) => createHmac('sha256', participants).update(`${scope.length}:${scope}${raw}`).digest('base64url').slice(0, 22),
    deriveKey: (purpose) => keyFor(`derived: ${purpose}`).export().toString('base64url'),
    signViewer: (viewer) =>
      new SignJWT({ viewer: serializeViewer(viewer) }).setProtectedHeader({ alg: 'HS256' }).setIssuer(issuer).setIssuedAt().setExpirationTime('60s').sign(viewers),
    async verifyViewer(token) {
      try {
        const { payload } = await jwtVerify<{ viewer: SerializedViewer }>(token, viewers, { issuer, algorithms: ['HS256'], requiredClaims: ['exp'] });
        return deserializeViewer(payload.viewer);
      } catch {
        throw new UnauthenticatedError('This subgraph answers the hub alone.');
      }
    },
  };
};

/** Hash of a credential with full entropy (an API key), for storage and look-up. */
export const hashCredential = (credential: string): string => sha256(credential);

/** Text of `bytes` random bytes that is safe in URLs and headers. */
export const randomToken = (bytes = 24): string => randomBytes(bytes).toString('base64url');

/** Hex HMAC-SHA256, as webhook products sign bodies. */
export const hmacHex = (key: string, ...parts: readonly (string | Buffer)[]): string => {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
};

/** Compares in constant time; texts of different lengths are just different. */
export const constantTimeEqual = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

/** Whether `given` is what one of several secrets makes. All are tried, each in constant time. */
export const isOneOf = (given: string, secrets: readonly string[], make: (secret: string) => string): boolean => secrets.reduce((found, secret) => constantTimeEqual(given, make(secret)) || found, false);

/** What a push URL carries, so that nobody else finds it: for products that sign nothing, all that proves a push. */
export const pushToken = (pushSecret: string): string => hmacHex(pushSecret, 'push url').slice(0, 32);
