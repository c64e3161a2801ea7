/** OAuth clients: applications that admins register, for people to grant them something, or to come by themselves. */
import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '#core/database.ts';
import { InputError } from '#core/errors.ts';
import { type Connection, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { hashCredential, randomToken } from '#core/secrets.ts';
import type { Hub } from '#core/subgraph.ts';
import type { Terms, Tier, Viewer } from '#core/viewer.ts';
import { audit } from './audit.ts';
import { parseEventAccess, parseName, parsePermissions, parseTerms } from './domain.ts';
import { OAuthClient } from './entities.ts';
import type { RegisterOAuthClientInput } from './generated/types.ts';
import { endGrants } from './oauth-grants.ts';
import type { Rights } from './rights.ts';

export type GrantType = 'authorization_code' | 'client_credentials';
/** As the metadata of clients names them (RFC 7591, section 2: `token_endpoint_auth_method`). */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'none';

export type ClientRequest = Rights & {
  readonly clientName: string;
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly GrantType[];
  readonly authentication: ClientAuthentication;
  readonly tier: Tier;
  readonly documents: Terms['documents'];
};

const grantTypes = { AUTHORIZATION_CODE: 'authorization_code', CLIENT_CREDENTIALS: 'client_credentials' } as const;
const authentications = { SECRET_BASIC: 'client_secret_basic', SECRET_POST: 'client_secret_post', NONE: 'none' } as const;
const mostRedirectUris = 20;

/** Throws an InputError that names the first field at fault. `events` are those that the maker's own key sees. */
export const parseClientRequest = (input: RegisterOAuthClientInput, events: Viewer['events']): ClientRequest => {
  const clientName = parseName(input.clientName);
  const granted = [...new Set(input.grantTypes.map((each) => grantTypes[each]))];
  if (granted.length === 0) throw new InputError('GRANT_TYPES_EMPTY', 'input.grantTypes', 'Name at least one grant type.');
  const redirectUris = parseRedirectUris(input.redirectUris ?? [], granted.includes('authorization_code'));
  const authentication = authentications[input.authentication ?? 'SECRET_BASIC'];
  if (authentication === 'none' && granted.includes('client_credentials')) throw new InputError('SECRET_NEEDED', 'input.authentication', 'A client without a secret cannot come by itself: client credentials need one.');
  return { clientName, redirectUris, grantTypes: granted, authentication, permissions: parsePermissions(input.permissions), eventAccess: parseEventAccess(input.eventAccess, events), ...parseTerms(input) };
};

const parseRedirectUris = (uris: readonly string[], areNeeded: boolean): string[] => {
  const refuse = (code: string, message: string) => new InputError(code, 'input.redirectUris', message);
  if (areNeeded && uris.length === 0) throw refuse('REDIRECT_URI_NEEDED', 'An authorization code is sent to a redirect URI: name at least one.');
  if (uris.length > mostRedirectUris) throw refuse('REDIRECT_URIS_TOO_MANY', `A client has at most ${mostRedirectUris} redirect URIs, and not ${uris.length}.`);
  const bad = uris.find((uri) => !isRedirectUri(uri));
  if (bad !== undefined) throw refuse('REDIRECT_URI_INVALID', `${JSON.stringify(bad)} is not usable: https, http on this machine, or a scheme of the application's own such as com.example.app:/callback, without a fragment or a name and password.`);
  return [...new Set(uris)];
};

/** RFC 8252, sections 7.1 to 7.3: `https`, `http` to the loopback interface, or a private-use scheme, which has a dot. */
const isRedirectUri = (text: string): boolean => {
  const uri = URL.canParse(text) && text.length <= 2_000 ? new URL(text) : null;
  if (!uri || text.includes('#') || uri.username !== '' || uri.password !== '') return false;
  if (uri.protocol === 'http:') return ['127.0.0.1', '[::1]', 'localhost'].includes(uri.hostname);
  return uri.protocol === 'https:' || /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/.test(uri.protocol);
};

export type RegisteredClient = { readonly record: OAuthClient; readonly clientSecret: string | null };

/** The answer holds the only copy of the secret in clear. */
export const registerClient = (em: EntityManager, hub: Pick<Hub, 'now'>, request: ClientRequest, by: string | null): Promise<RegisteredClient> =>
  em.transactional(async (tx) => {
    const clientSecret = request.authentication === 'none' ? null : randomToken(32);
    const { clientName, redirectUris, grantTypes: types, authentication, permissions, eventAccess, tier, documents } = request;
    const record = tx.create(OAuthClient, {
      id: `client_${randomToken(12)}`, secretHash: clientSecret && hashCredential(clientSecret), clientName, redirectUris: [...redirectUris], grantTypes: [...types], authentication,
      permissions: [...permissions], eventAccess: eventAccess && [...eventAccess], tier, documents, createdAt: hub.now(), createdBy: by, revokedAt: null,
    });
    audit(tx, { at: hub.now(), actor: by, action: 'client.registered', subject: record.id, details: { clientName, redirectUris, grantTypes: types, authentication, permissions, eventAccess, tier, documents } });
    return { record, clientSecret };
  });

/** Ends the client with everything that was granted to it. Null when there is no such client; doing it twice changes nothing. */
export const revokeClient = (em: EntityManager, hub: Pick<Hub, 'now'>, id: string, by: string | null): Promise<OAuthClient | null> =>
  em.transactional(async (tx) => {
    const record = await tx.findOne(OAuthClient, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!record || record.revokedAt) return record;
    record.revokedAt = hub.now();
    audit(tx, { at: hub.now(), actor: by, action: 'client.revoked', subject: id, details: { clientName: record.clientName } });
    await tx.flush();
    await endGrants(tx, hub, 'client', id, by, 'its client was revoked');
    return record;
  });

export const listClients = async (em: EntityManager, args: PageArguments): Promise<Connection<OAuthClient>> => {
  const page = pageOf(args, 2);
  const at = page.after && momentOf(page.after[0]);
  const behind = page.after && at ? { $or: [{ createdAt: { $lt: at } }, { createdAt: at, id: { $lt: String(page.after[1]) } }] } : {};
  const rows = await em.find(OAuthClient, behind, { orderBy: { createdAt: 'desc', id: 'desc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [row.createdAt.toISOString(), row.id], () => em.count(OAuthClient, {}));
};
