import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'gatekeeper/0001-initial',
  'create schema gatekeeper',
  `create table gatekeeper.gates (
    event_id text not null,
    gate_id text not null,
    name text not null,
    status text not null check (status in ('OPEN', 'CLOSED', 'FAILED')),
    throughput double precision not null,
    updated_at timestamptz not null,
    primary key (event_id, gate_id)
  )`,
);
