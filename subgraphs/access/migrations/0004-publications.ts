import { sqlMigration } from '#core/migrations.ts';

export const publications = sqlMigration(
  'access/0004-publications',
  `create table access.published_operations (
    client text not null,
    id text not null,
    name text not null,
    type text not null check (type in ('query', 'mutation', 'subscription')),
    body text not null,
    published_at timestamptz not null,
    published_by text,
    primary key (client, id)
  )`,
);
