/**
 * Where oidc-provider keeps what it issues: our tables. What a bearer presents (codes, tokens, session cookies) is found
 * by its hash, and what repeats it is encrypted. A code, or the refresh token of a client without a secret, is used once,
 * whoever races for it, and nothing of a grant that has ended can be written.
 */
import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { hashCredential } from '#core/secrets.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import { OAuthClient, OAuthGrant } from '../entities.ts';
import { tokenId } from '../identify.ts';
import { revokeGrant, saveGrant } from '../oauth-grants.ts';
import { permissionsIn } from '../rights.ts';

type Row = { readonly payload: string; /** Seconds since 1970. */ readonly consumed: number | null; /** Seconds since then. */ readonly age: number | null; readonly grant_id: string | null };

/**
 * Seconds after its first use in which a refresh token is good again, for a client that proves itself by a secret: the
 * answer may have got lost on its way, or been asked for by two of its processes at once.
 */
export const repeatSeconds = 60;
const secondsToRepeat = (model: string): number => (model === 'RefreshToken' && (Provider.ctx?.oidc.client?.clientAuthMethod ?? 'none') !== 'none' ? repeatSeconds : 0);

/** `resource` is the one thing that tokens of the hub open. */
export const createAdapter = (hub: Hub, resource: string): ((model: string) => Adapter) => {
  const special: Readonly<Record<string, Partial<Adapter>>> = { Client: clientsOf(hub), Grant: grantsOf(hub, resource) };
  return (model) => ({ ...artifactsOf(hub, model), ...special[model] });
};

const artifactsOf = (hub: Hub, model: string): Adapter => {
  const em = () => hub.database.em();
  const unseal = (row: Row | undefined): AdapterPayload | undefined => row && { ...(JSON.parse(hub.secrets.decrypt(row.payload)) as AdapterPayload), ...(row.consumed !== null && (row.age ?? 0) >= secondsToRepeat(model) && { consumed: row.consumed }) };
  const findBy = async (column: 'id_hash' | 'uid_hash', value: string) => unseal((await query<Row>(em(), `select payload, extract(epoch from consumed_at)::integer consumed, extract(epoch from now() - consumed_at)::float age, grant_id from access.oauth_artifacts where ${column} = $1 and model = $2`, [hashCredential(value), model]))[0]);
  return {
    async upsert(id, payload, expiresIn) {
      await em().transactional(async (tx) => {
        if (payload.grantId) {
          // Locked until this is written: whoever ends the grant comes after, and takes this along.
          const grant = await query(tx, 'select 1 from access.oauth_grants where id = $1 and revoked_at is null for share', [payload.grantId]);
          if (grant.length === 0) throw new errors.InvalidGrant('grant was revoked');
        }
        const expiresAt = new Date(payload.exp ? payload.exp * 1000 : Date.now() + (expiresIn ?? 0) * 1000);
        const values = [model, hashCredential(id), payload.uid === undefined ? null : hashCredential(payload.uid), payload.clientId ?? null, payload.grantId ?? null, payload.scope?.split(' ') ?? null, hub.secrets.encrypt(JSON.stringify(payload)), expiresAt];
        await query(
          tx,
          `insert into access.oauth_artifacts (model, id_hash, uid_hash, client_id, grant_id, scopes, payload, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (id_hash, model) do update set uid_hash = excluded.uid_hash, payload = excluded.payload, expires_at = excluded.expires_at`,
          values,
        );
      });
    },
    find: (id) => findBy('id_hash', id),
    findByUid: (uid) => findBy('uid_hash', uid),
    findByUserCode: () => Promise.resolve(undefined),
    async consume(id) {
      const used = await query(em(), 'update access.oauth_artifacts set consumed_at = coalesce(consumed_at, now()) where id_hash = $1 and model = $2 and (consumed_at is null or ($3 > 0 and consumed_at > now() - make_interval(secs => $3))) returning 1', [hashCredential(id), model, secondsToRepeat(model)]);
      if (used.length > 0) return;
      const [row] = await query<Pick<Row, 'grant_id'>>(em(), 'select grant_id from access.oauth_artifacts where id_hash = $1 and model = $2', [hashCredential(id), model]);
      if (row?.grant_id) await revokeGrant(em(), hub, row.grant_id, actor(), usedTwice);
      throw new errors.InvalidGrant(usedTwice);
    },
    async destroy(id) {
      const hash = hashCredential(id);
      await query(em(), 'delete from access.oauth_artifacts where id_hash = $1 and model = $2', [hash, model]);
      hub.bus.publish('key.changed', { keyId: tokenId(hash) });
    },
    async revokeByGrantId(grantId) {
      await query(em(), 'delete from access.oauth_artifacts where grant_id = $1 and model = $2', [grantId, model]);
    },
  };
};

const usedTwice = 'a code or refresh token was used twice';
/** Which client's request is being answered. */
const actor = (): string | null => Provider.ctx?.oidc.client?.clientId ?? null;

const clientsOf = (hub: Hub): Partial<Adapter> => ({
  async find(id) {
    // PostgreSQL has no texts with a zero byte.
    const client = id.includes('\0') ? null : await hub.database.em().findOne(OAuthClient, { id, revokedAt: null });
    if (!client) return undefined;
    const hasCode = client.grantTypes.includes('authorization_code');
    return {
      client_id: client.id,
      // The hash: see `compareClientSecret` in provider.ts.
      ...(client.secretHash && { client_secret: client.secretHash }),
      client_name: client.clientName,
      redirect_uris: client.redirectUris,
      application_type: client.redirectUris.length > 0 && client.redirectUris.every((uri) => !uri.startsWith('https:')) ? 'native' : 'web',
      grant_types: hasCode ? [...client.grantTypes, 'refresh_token'] : client.grantTypes,
      response_types: hasCode ? ['code'] : [],
      token_endpoint_auth_method: client.authentication,
      scope: client.permissions.join(' '),
    };
  },
});

const grantsOf = (hub: Hub, resource: string): Partial<Adapter> => ({
  async upsert(id, payload, expiresIn) {
    const { accountId = '', clientId = '', resources } = payload as { accountId?: string; clientId?: string; resources?: Record<string, string> };
    const expiresAt = new Date(payload.exp ? payload.exp * 1000 : Date.now() + (expiresIn ?? 0) * 1000);
    const saved = await saveGrant(hub.database.em(), hub, { id, clientId, keyId: accountId, permissions: permissionsIn(resources?.[resource]?.split(' ') ?? []), payload: { ...payload }, expiresAt });
    if (!saved) throw new errors.AccessDenied('the key or the client does not hold any more');
  },
  async find(id) {
    const grant = await hub.database.em().findOne(OAuthGrant, { id, revokedAt: null });
    return grant ? { ...grant.payload } : undefined;
  },
  async destroy(id) {
    await revokeGrant(hub.database.em(), hub, id, actor(), Provider.ctx?.oidc.route === 'revocation' ? 'its client revoked it' : usedTwice);
  },
});
