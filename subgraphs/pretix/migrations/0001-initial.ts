import { sqlMigration } from '#core/migrations.ts';

export const initial = sqlMigration(
  'pretix/0001-initial',
  'create schema pretix',
  `create table pretix.events (
    event_id text primary key,
    service_id text not null,
    organizer text not null,
    slug text not null,
    subevent integer,
    currency text not null,
    live boolean not null,
    testmode boolean not null
  )`,
  `create table pretix.products (
    service_id text not null,
    slug text not null,
    id text not null,
    name text not null,
    active boolean not null,
    admission boolean not null,
    price text not null,
    variations jsonb not null,
    primary key (service_id, slug, id)
  )`,
  `create table pretix.quotas (
    service_id text not null,
    slug text not null,
    id text not null,
    subevent integer,
    name text not null,
    size integer,
    available_number integer,
    closed boolean not null,
    products jsonb not null,
    primary key (service_id, slug, id)
  )`,
  `create table pretix.check_in_lists (
    service_id text not null,
    slug text not null,
    id text not null,
    subevent integer,
    name text not null,
    all_products boolean not null,
    products jsonb not null,
    include_pending boolean not null,
    position_count integer not null,
    check_in_count integer not null,
    inside_count integer,
    updated_at timestamptz not null,
    primary key (service_id, slug, id)
  )`,
  `create table pretix.orders (
    event_id text not null,
    code text not null,
    service_id text not null,
    status text not null check (status in ('n', 'p', 'e', 'c')),
    placed_at timestamptz not null,
    total text not null,
    testmode boolean not null,
    sales_channel text not null,
    positions jsonb not null,
    updated_at timestamptz not null,
    primary key (event_id, code)
  )`,
  'create index orders_newest on pretix.orders (event_id, placed_at desc, code desc)',
  'create index orders_of_service on pretix.orders (service_id, code)',
);
