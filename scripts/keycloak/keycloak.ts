/** A real Keycloak with the realm of `realm.json`, and what a test asks of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UpstreamError } from '#core/errors.ts';
import { type Login, logIn } from './log-in.ts';
import { requestToken } from './request-token.ts';
import { installKeycloak } from './install.ts';
import { startKeycloakProcess } from './server.ts';

export type Keycloak = AsyncDisposable & {
  /** Of the realm; `iss` of its tokens. */
  readonly issuer: string;
  /** A person's access token, through the login page. */
  tokenOf(person: Pick<Login, 'username' | 'password'>): Promise<string>;
  /** A client's own access token. */
  tokenOfClient(client: string, secret: string): Promise<string>;
  /** Makes a new key that signs from now on; the old ones are told on. */
  rotateKeys(): Promise<void>;
  /** Ends the server. */
  stop(): Promise<void>;
};

export const startKeycloak = async ({ log = () => undefined }: { log?: (line: string) => void } = {}): Promise<Keycloak> => {
  await installKeycloak(log);
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startKeycloakProcess());
  const realm = JSON.parse(await readFile(join(import.meta.dirname, 'realm.json'), 'utf8')) as { readonly realm: string };
  const issuer = `${server.url}/realms/${realm.realm}`;
  const tokens = (at: string): string => `${server.url}/realms/${at}/protocol/openid-connect/token`;
  const asAdmin = async (path: string, body: unknown): Promise<void> => {
    const token = await requestToken(tokens('master'), { grant_type: 'password', client_id: 'admin-cli', ...server.admin });
    const response = await fetch(`${server.url}/admin/realms${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
    if (!response.ok) throw new UpstreamError('status', `Keycloak's administration answered ${response.status}: ${await response.text()}`, { status: response.status });
  };
  await asAdmin('', realm);
  const opened = stack.move();
  return {
    issuer,
    tokenOf: (person) => logIn({ issuer, clientId: 'box-office', redirectUri: 'http://127.0.0.1/back', ...person }),
    tokenOfClient: (client, secret) => requestToken(tokens(realm.realm), { grant_type: 'client_credentials', client_id: client, client_secret: secret }),
    rotateKeys: () => asAdmin(`/${realm.realm}/components`, { name: 'rotated', providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider', config: { priority: ['1000'], algorithm: ['RS256'], keySize: ['2048'] } }),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
};
