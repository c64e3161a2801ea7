import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'eventbrite/0001-initial',
  'create schema eventbrite',
  `create table eventbrite.events (
    event_id text primary key,
    service_id text not null,
    organization text not null,
    number text not null,
    url text,
    status text not null,
    currency text not null,
    online boolean not null,
    capacity integer,
    category text,
    format text,
    sold_out boolean
  )`,
  `create table eventbrite.ticket_classes (
    event_id text primary key,
    service_id text not null,
    classes jsonb not null,
    updated_at timestamptz not null
  )`,
);
