/**
 * The hub's OAuth 2.0 server: oidc-provider, set up for what the hub needs and for nothing else. Authorization codes with
 * PKCE, refresh tokens that rotate, client credentials; opaque tokens, which the gateway looks up; scopes are permissions.
 */
import { generateKeyPairSync } from 'node:crypto';
import Provider, { type ClientMetadata, type Configuration, type KoaContextWithOIDC, errors } from 'oidc-provider';
import { constantTimeEqual, hashCredential } from '#core/secrets.ts';
import type { Hub } from '#core/subgraph.ts';
import { permissions } from '#core/viewer.ts';
import { holds } from '../domain.ts';
import { ApiKey } from '../entities.ts';
import { createAdapter } from './adapter.ts';
import { showErrorPage } from './pages.ts';

export type OAuthProvider = {
  readonly provider: Provider;
  /** What tokens open: the hub. */
  readonly resource: string;
  /** Path below which the hub is reached from outside; empty for the root. */
  readonly mountPath: string;
};

const minutes = 60;
const hours = 60 * minutes;
const days = 24 * hours;

/** In seconds. A session is asked for nothing: every authorization begins with a key. */
export const lifetimes = { accessToken: hours, code: minutes, refreshToken: 30 * days, interaction: 10 * minutes, grant: 365 * days };

export const createProvider = (hub: Hub): OAuthProvider => {
  const issuer = hub.publicUrl.replace(/\/+$/, '');
  const mountPath = new URL(issuer).pathname.replace(/\/+$/, '');
  const provider = new Provider(issuer, configurationOf(hub, issuer, mountPath));
  // A proxy in front is told apart by us: see server.ts, which says where the hub is reached.
  provider.proxy = true;
  // Secrets are kept as hashes, and have full entropy.
  Object.assign(provider.Client.prototype, {
    compareClientSecret(this: { clientSecret?: string }, presented: string) {
      return constantTimeEqual(this.clientSecret ?? '', hashCredential(presented));
    },
  });
  provider.on('server_error', (_ctx, error) => hub.logger.error({ err: error }, 'the OAuth server failed'));
  return { provider, resource: issuer, mountPath };
};

export const sessionCookie = 'eventgraph_oauth';

const routes = { authorization: '/oauth/authorize', token: '/oauth/token', revocation: '/oauth/revoke', introspection: '/oauth/introspect', jwks: '/oauth/jwks', end_session: '/oauth/session/end' };

const configurationOf = (hub: Hub, issuer: string, mountPath: string): Configuration => ({
  adapter: createAdapter(hub, issuer),
  routes,
  scopes: [...permissions],
  responseTypes: ['code'],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  // Nothing is ever signed with it, as the hub issues no ID tokens; the library wants one.
  jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] as NonNullable<Configuration['jwks']>['keys'] },
  pkce: { required: () => true },
  cookies: {
    keys: [hub.secrets.deriveKey('cookies of the OAuth server')],
    names: { session: sessionCookie, interaction: 'eventgraph_oauth_interaction', resume: 'eventgraph_oauth_resume' },
    long: { httpOnly: true, sameSite: 'lax', path: `${mountPath}/oauth` },
    short: { httpOnly: true, sameSite: 'lax' },
  },
  ttl: {
    AccessToken: (ctx) => secondsLeft(lifetimes.accessToken, ctx),
    RefreshToken: (ctx) => secondsLeft(lifetimes.refreshToken, ctx),
    AuthorizationCode: lifetimes.code,
    ClientCredentials: lifetimes.accessToken,
    Grant: lifetimes.grant,
    Interaction: lifetimes.interaction,
    Session: lifetimes.interaction,
  },
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    userinfo: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    introspection: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    resourceIndicators: {
      enabled: true,
      defaultResource: async (ctx) => {
        askForEverything(ctx);
        return issuer;
      },
      useGrantedResource: async () => true,
      getResourceServerInfo: async (_ctx, resource, client) => {
        if (resource !== issuer) throw new errors.InvalidTarget();
        return { scope: client.scope ?? '', audience: issuer, accessTokenFormat: 'opaque' };
      },
    },
  },
  // Every authorization is consented to anew, and has a grant of its own.
  loadExistingGrant: async (ctx) => {
    const grantId = ctx.oidc.result?.consent?.grantId;
    return grantId ? ctx.oidc.provider.Grant.find(grantId) : undefined;
  },
  rotateRefreshToken: true,
  revokeGrantPolicy: async () => true,
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  findAccount: async (_ctx, id) => {
    const key = await hub.database.em().findOne(ApiKey, { id, parentId: null });
    return key && holds(key, hub.now()) ? { accountId: id, claims: async () => ({ sub: id }) } : undefined;
  },
  clientBasedCORS: (_ctx, origin, client) => client.tokenEndpointAuthMethod === 'none' && (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
  interactions: { url: async (_ctx, { uid }) => `${mountPath}/oauth/interaction/${uid}` },
  renderError: async (ctx, out) => showErrorPage(ctx, out),
});

/** Nothing lasts longer than its grant, which ends with its key. */
const secondsLeft = (atMost: number, ctx: KoaContextWithOIDC | undefined): number => {
  const end = ctx?.oidc.entities.Grant?.exp;
  return end === undefined ? atMost : Math.max(1, Math.min(atMost, end - Math.floor(Date.now() / 1000)));
};

/** A client that comes by itself and names no scope gets what it was registered with (RFC 6749, section 3.3). */
const askForEverything = ({ oidc }: KoaContextWithOIDC): void => {
  const { params, client } = oidc;
  if (params?.grant_type === 'client_credentials') params.scope ??= client?.scope;
};

export type { ClientMetadata };
