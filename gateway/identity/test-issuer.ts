/** A real issuer of JWTs over HTTP, with discovery and keys that rotate, for tests. */
import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, type JWK, SignJWT, exportJWK, generateKeyPair } from 'jose';

type Key = { readonly kid: string; readonly privateKey: CryptoKey; readonly publicKey: CryptoKey; readonly jwk: JWK };

export type TestIssuer = AsyncDisposable & {
  readonly issuer: string;
  readonly jwksUri: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** Signs with the newest key. Claims without `exp` are good for five minutes; a claim of undefined is left out. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  key(): Key;
  /** A new key signs from now on; the old ones are told too, unless `withdraw`. */
  rotate(withdraw?: boolean): Promise<void>;
  /** How it answers: well, with 503, never, or with what it is given. */
  answers: 'well' | 'unavailable' | 'never' | { readonly body: string };
};

export const createKey = async (kid: string, alg = 'ES256'): Promise<Key> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
};

export const startIssuer = async (): Promise<TestIssuer> => {
  const keys = [await createKey('k1')];
  const asked: string[] = [];
  const open = new Set<ServerResponse>();
  const respond = (path: string): unknown => {
    if (path === '/.well-known/openid-configuration') return { issuer: started.issuer, jwks_uri: started.jwksUri };
    return path === '/keys' ? { keys: keys.map(({ jwk }) => jwk) } : undefined;
  };
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (started.answers === 'never') return void open.add(response);
    if (started.answers === 'unavailable') return void response.writeHead(503).end();
    const body = typeof started.answers === 'object' ? started.answers.body : JSON.stringify(respond(request.url ?? ''));
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const newest = (): Key => {
    const key = keys.at(-1);
    if (!key) throw new Error('an issuer has a key');
    return key;
  };
  const started: TestIssuer = {
    issuer,
    jwksUri: `${issuer}/keys`,
    asked,
    answers: 'well',
    key: newest,
    async sign(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const { kid, privateKey } = newest();
      const all = { iss: issuer, aud: 'eventgraph', sub: 'ann', iat: now, exp: now + 300, ...claims };
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new SignJWT(given).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(privateKey);
    },
    async rotate(withdraw = false) {
      const next = await createKey(`k${keys.length + 1}`);
      if (withdraw) keys.length = 0;
      keys.push(next);
    },
    async [Symbol.asyncDispose]() {
      for (const response of open) response.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return started;
};
