import { sqlMigration } from '#core/migrations.ts';

export const programmes = sqlMigration(
  'events/0002-programmes',
  `create table events.programmes (
    id text primary key,
    name text not null unique,
    created_at timestamptz not null,
    created_by text
  )`,
  // An event in a programme has the programme's word for its region, whatever its service says.
  'alter table events.events add column programme_id text references events.programmes (id)',
  // Events with a region and no programme are a group as well.
  `create index events_programme on events.events (coalesce(programme_id, ''), region, starts_at, id)`,
);
