import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'activity/0001-initial',
  'create schema activity',
  // What was answered as taken and is not stored yet: one row for what was committed together.
  `create table activity.inbox (
    batch bigint generated always as identity primary key,
    entries jsonb not null
  )`,
  // The id is made of the client's name and the client's own id, so a second one of the same is known by it.
  `create table activity.activities (
    id text primary key,
    collector text not null,
    external_id text not null,
    name text not null,
    participant text not null,
    event_id text,
    at timestamptz not null,
    place integer not null,
    parameters text not null,
    purchase jsonb,
    purchase_problem jsonb
  )`,
  'create index activities_participant on activity.activities (participant, at desc, place desc, id desc)',
  'create index activities_at on activity.activities (at)',
  'create index activities_event on activity.activities (event_id) where event_id is not null',
);
