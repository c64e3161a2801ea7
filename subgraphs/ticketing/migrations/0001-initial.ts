import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'ticketing/0001-initial',
  'create schema ticketing',
  `create table ticketing.events (
    event_id text primary key,
    service_id text not null,
    platform_id text not null,
    name text not null,
    starts_at timestamptz not null,
    public boolean not null,
    venue_id text,
    artist_ids text[] not null
  )`,
  'create index events_of_service on ticketing.events (service_id)',
  `create table ticketing.artists (
    service_id text not null,
    id text not null,
    name text not null,
    genre text,
    yandex_music_id text,
    primary key (service_id, id)
  )`,
  `create table ticketing.venues (
    service_id text not null,
    id text not null,
    name text not null,
    address text not null,
    capacity integer,
    primary key (service_id, id)
  )`,
  `create table ticketing.tickets (
    event_id text not null,
    id text not null,
    category text not null,
    seat text,
    amount text not null,
    currency text not null,
    status text not null check (status in ('available', 'reserved', 'sold')),
    primary key (event_id, id)
  )`,
  'create index tickets_listed on ticketing.tickets (event_id, category, id)',
  `create table ticketing.bookings (
    id text primary key,
    service_id text not null,
    event_id text not null,
    owner text not null,
    ticket_ids text[] not null,
    state text not null check (state in ('RESERVING', 'RESERVED', 'AWAITING_PAYMENT', 'CONFIRMED', 'CANCELLED', 'EXPIRED', 'FAILED')),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    platform_id text,
    amount text,
    currency text,
    expires_at timestamptz,
    release text check (release in ('DUE', 'DONE')),
    attempt integer not null default 0,
    payment_id text,
    payment_status text check (payment_status in ('UNKNOWN', 'PENDING', 'SUCCEEDED', 'CANCELED', 'MISMATCH')),
    confirmation_url text,
    paid_at timestamptz,
    refund_id text,
    refund_status text check (refund_status in ('DUE', 'PENDING', 'SUCCEEDED', 'FAILED')),
    failure jsonb
  )`,
  'create index bookings_of_owner on ticketing.bookings (owner, created_at desc, id desc)',
  'create index bookings_newest on ticketing.bookings (created_at desc, id desc)',
  // While a booking holds a seat nobody else can: this key is what no race gets past.
  `create table ticketing.claims (
    event_id text not null,
    ticket_id text not null,
    booking_id text not null references ticketing.bookings (id) on delete cascade,
    primary key (event_id, ticket_id)
  )`,
  'create index claims_of_booking on ticketing.claims (booking_id)',
  `create table ticketing.requests (
    owner text not null,
    key text not null,
    input_hash text not null,
    booking_id text,
    errors jsonb not null default '[]',
    created_at timestamptz not null,
    primary key (owner, key)
  )`,
  'create index requests_old on ticketing.requests (created_at)',
);
