import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'events/0001-initial',
  'create schema events',
  `create table events.events (
    id text primary key,
    product text not null,
    service_id text not null,
    upstream_id text not null,
    name text not null,
    type text,
    status text not null check (status in ('PRE_EVENT', 'ONGOING', 'ENDED')),
    told_status text,
    starts_at timestamptz not null,
    ends_at timestamptz,
    timezone text not null,
    region text,
    organizer text,
    venue_name text,
    venue_address text,
    latitude double precision,
    longitude double precision,
    public boolean not null,
    updated_at timestamptz not null
  )`,
  'create index events_start on events.events (starts_at, id)',
  'create index events_name on events.events (name, id)',
  'create index events_service on events.events (service_id)',
  // The few whose status time alone may change.
  `create index events_undecided on events.events (status) where told_status is null and status <> 'ENDED'`,
);
