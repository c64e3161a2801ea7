import { sqlMigration } from '#core/migrations.ts';

/** Tokens that keys mint, and the hub's OAuth 2.0 server: its clients, what people granted them, and what came of that. */
export const oauth = sqlMigration(
  'access/0003-oauth',
  'alter table access.api_keys add column parent_id text references access.api_keys (id)',
  'create index api_keys_parent on access.api_keys (parent_id) where parent_id is not null',
  `create table access.oauth_clients (
    id text primary key,
    secret_hash text,
    client_name text not null,
    redirect_uris text[] not null,
    grant_types text[] not null,
    authentication text not null,
    permissions text[] not null,
    event_access text[],
    tier text not null,
    documents text not null,
    created_at timestamptz not null,
    created_by text,
    revoked_at timestamptz
  )`,
  'create index oauth_clients_created on access.oauth_clients (created_at desc, id desc)',
  // \`payload\`: what the server keeps of it, without secrets.
  `create table access.oauth_grants (
    id text primary key,
    client_id text not null references access.oauth_clients (id),
    key_id text not null references access.api_keys (id),
    permissions text[] not null,
    payload jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
  )`,
  'create index oauth_grants_key on access.oauth_grants (key_id, created_at desc, id desc)',
  'create index oauth_grants_client on access.oauth_grants (client_id)',
  'create index oauth_grants_created on access.oauth_grants (created_at desc, id desc)',
  // Codes, tokens, sessions: found by the hash of what their bearer presents, which \`payload\` repeats and is encrypted for.
  `create table access.oauth_artifacts (
    model text not null,
    id_hash text not null,
    uid_hash text,
    client_id text references access.oauth_clients (id),
    grant_id text references access.oauth_grants (id),
    scopes text[],
    payload text not null,
    expires_at timestamptz not null,
    consumed_at timestamptz,
    primary key (id_hash, model)
  )`,
  'create index oauth_artifacts_grant on access.oauth_artifacts (grant_id) where grant_id is not null',
  'create index oauth_artifacts_client on access.oauth_artifacts (client_id) where client_id is not null',
  'create index oauth_artifacts_uid on access.oauth_artifacts (uid_hash) where uid_hash is not null',
  'create index oauth_artifacts_expiry on access.oauth_artifacts (expires_at)',
);
