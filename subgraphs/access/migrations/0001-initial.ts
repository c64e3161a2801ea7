import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'access/0001-initial',
  'create schema access',
  `create table access.api_keys (
    id text primary key,
    hash text not null unique,
    client_name text not null,
    permissions text[] not null,
    event_access text[],
    secret text not null,
    created_at timestamptz not null,
    created_by text,
    expires_at timestamptz,
    revoked_at timestamptz
  )`,
  'create index api_keys_created on access.api_keys (created_at desc, id desc)',
  `create table access.audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text,
    action text not null,
    subject text not null,
    details jsonb not null
  )`,
);
