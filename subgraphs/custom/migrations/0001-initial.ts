import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'custom/0001-initial',
  'create schema custom',
  `create table custom.attributes (
    event_id text not null,
    resource text not null,
    data jsonb not null,
    updated_at timestamptz not null,
    primary key (event_id, resource)
  )`,
);
