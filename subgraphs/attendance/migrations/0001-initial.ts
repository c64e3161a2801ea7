import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'attendance/0001-initial',
  'create schema attendance',
  `create table attendance.registrations (
    event_id text not null,
    upstream_id text not null,
    participant text not null,
    state text not null check (state in ('CONFIRMED', 'PENDING', 'CANCELLED')),
    primary key (event_id, upstream_id)
  )`,
  'create index registrations_participant on attendance.registrations (event_id, participant)',
  `create table attendance.check_ins (
    service_id text not null,
    event_id text not null,
    upstream_id text not null,
    at timestamptz not null,
    direction text not null check (direction in ('ENTRY', 'EXIT')),
    gate_id text,
    area text not null,
    participant text not null,
    primary key (event_id, upstream_id)
  )`,
  'create index check_ins_time on attendance.check_ins (event_id, at desc, upstream_id desc)',
  // For what a participant's check-ins still say, when one was taken back.
  'create index check_ins_participant on attendance.check_ins (event_id, participant)',
  // When each participant last entered and left each area: who is inside follows from it.
  `create table attendance.presences (
    event_id text not null,
    participant text not null,
    area text not null,
    last_entry timestamptz,
    last_exit timestamptz,
    primary key (event_id, participant, area)
  )`,
  `create table attendance.gates (
    event_id text not null,
    gate_id text not null,
    name text not null,
    status text not null,
    throughput double precision not null,
    primary key (event_id, gate_id)
  )`,
  // One row an event: what is served. \`counted_*\` are the hub's own counts, \`reported_*\` the upstream's, which win.
  `create table attendance.live (
    event_id text primary key,
    counted_registered integer not null default 0,
    counted_current integer not null default 0,
    reported_registered integer,
    reported_current integer,
    total_registered integer not null default 0,
    current_attendees integer not null default 0,
    observed_at timestamptz not null
  )`,
  `create table attendance.points (
    event_id text not null,
    at timestamptz not null,
    total_registered integer not null,
    current_attendees integer not null,
    primary key (event_id, at)
  )`,
);
