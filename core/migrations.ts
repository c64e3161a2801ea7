/**
 * Migrations of the hub's own schema `hub`, and the form of every subgraph's. They run in order, once, and are never
 * edited after a release: a change is a new one.
 */
import { Migration } from '@mikro-orm/migrations';

export type MigrationSource = {
  /** `events/0001-initial`: the folder and the number. */
  readonly name: string;
  readonly migration: new (...args: ConstructorParameters<typeof Migration>) => Migration;
};

/** A migration that only runs SQL, which is all that ours do. */
export const sqlMigration = (name: string, ...statements: readonly string[]): MigrationSource => ({
  name,
  migration: class extends Migration {
    override name = name;
    override up(): void {
      for (const statement of statements) this.addSql(statement);
    }
  },
});

export const coreMigrations: readonly MigrationSource[] = [
  sqlMigration(
    'hub/0001-initial',
    `create table hub.services (
      id text primary key,
      product text not null,
      name text not null,
      api_url text not null,
      webhook_url text,
      health_url text not null,
      credentials text not null,
      push_secret text not null,
      settings jsonb not null,
      data_schema jsonb,
      sync_interval integer not null,
      retries integer not null,
      state text not null check (state in ('ACTIVE', 'PAUSED')),
      health text not null check (health in ('HEALTHY', 'DEGRADED', 'DOWN')),
      failures integer not null default 0,
      last_error jsonb,
      last_contact_at timestamptz,
      sync_started_at timestamptz,
      sync_finished_at timestamptz,
      sync_facts integer,
      sync_rejected integer,
      cursor jsonb,
      next_sync_at timestamptz not null,
      next_health_at timestamptz not null,
      created_at timestamptz not null,
      created_by text
    )`,
    'create index services_next_sync on hub.services (next_sync_at) where state = \'ACTIVE\'',
    'create index services_next_health on hub.services (next_health_at) where state = \'ACTIVE\'',
    // An event id belongs to one service, hub-wide.
    `create table hub.event_ids (
      event_id text primary key,
      service_id text not null references hub.services (id) on delete cascade
    )`,
    'create index event_ids_service on hub.event_ids (service_id)',
    // What each service has said already. An occurrence stands once; a state stands with its newest digest.
    `create table hub.known_facts (
      service_id text not null,
      key text not null,
      digest text not null,
      at timestamptz not null,
      primary key (service_id, key)
    )`,
    // What could not be made a fact. \`raw\` is encrypted: it may name a person.
    `create table hub.rejected_facts (
      service_id text not null references hub.services (id) on delete cascade,
      upstream_id text not null,
      reason text not null,
      raw text not null,
      at timestamptz not null,
      primary key (service_id, upstream_id)
    )`,
    // The event log. \`tx\` is the writing transaction: with it a reader never passes one that is still open.
    `create table hub.domain_events (
      id bigint generated always as identity,
      tx xid8 not null default pg_current_xact_id(),
      type text not null,
      event_id text,
      service_id text,
      occurred_at timestamptz not null,
      recorded_at timestamptz not null default now(),
      payload jsonb not null
    ) partition by range (recorded_at)`,
    // The one index: every reader comes with a position. A row is found by it as well.
    'create index domain_events_order on hub.domain_events (tx, id)',
    // One row for each handler that acted on a domain event: at least once becomes once.
    `create table hub.handled_events (
      handler text not null,
      domain_event_id bigint not null,
      handled_at timestamptz not null default now(),
      primary key (handler, domain_event_id)
    )`,
  ),
  sqlMigration(
    'hub/0002-platform-records',
    `create table hub.request_minutes (
      minute timestamptz not null,
      bounds double precision[] not null,
      buckets bigint[] not null,
      sum_ms double precision not null,
      failed bigint not null,
      primary key (minute, bounds)
    )`,
    `create table hub.sync_minutes (
      minute timestamptz not null,
      service_id text not null,
      runs integer not null,
      failed integer not null,
      sum_ms double precision not null,
      primary key (minute, service_id)
    )`,
    'create table hub.storage_days (day date primary key, bytes bigint not null)',
  ),
  sqlMigration(
    'hub/0003-idempotency-keys',
    // A request that may be executed once. Its parameters' fingerprint and its answer are encrypted: they can hold secrets.
    `create table hub.idempotency_keys (
      client text not null,
      path text not null,
      key text not null,
      owner text not null unique,
      fingerprint text not null,
      response text,
      running_until timestamptz not null,
      expires_at timestamptz not null,
      primary key (client, path, key)
    )`,
    'create index idempotency_keys_expiry on hub.idempotency_keys (expires_at)',
  ),
  sqlMigration(
    'hub/0004-bad-days',
    // What all processes, and the graph, see of how a service fares. `resync` asks that everything be read again.
    `alter table hub.services
      add column circuit text not null default 'CLOSED' check (circuit in ('CLOSED', 'OPEN', 'HALF_OPEN')),
      add column circuit_since timestamptz,
      add column budget jsonb,
      add column clock_skew_ms integer,
      add column resync text check (resync in ('ASKED', 'RUNNING')),
      add column resync_since timestamptz`,
    // By an event's period the times of its facts are judged. `settled_at`: it is over for so long that what was said of it is forgotten, and not listened to any more.
    `alter table hub.event_ids
      add column starts_at timestamptz,
      add column ends_at timestamptz,
      add column settled_at timestamptz`,
    'create index event_ids_unsettled on hub.event_ids (ends_at) where settled_at is null or settled_at < ends_at',
    // `raw` is null where it was too large to keep, or is not for keeping: only the upstream can tell it again.
    `alter table hub.rejected_facts
      alter column raw drop not null,
      add column since timestamptz,
      add column attempts integer not null default 1,
      add column is_fact boolean not null default false,
      add column is_pushed boolean not null default false`,
    // Until now records were cut at 16,384 characters, which is no less than this when encrypted.
    'update hub.rejected_facts set since = at, raw = case when length(raw) < 21882 then raw end',
    'alter table hub.rejected_facts alter column since set not null',
    'create index rejected_facts_order on hub.rejected_facts (service_id, since, upstream_id)',
  ),
  sqlMigration(
    'hub/0005-service-administration',
    'alter table hub.services drop constraint services_state_check',
    // `revision` grows with every change of how the service is reached: what was read or pushed under another is not stored.
    // Secrets for pushes: one that is being exchanged, and those before, which are good until the upstream's last pushes under them are in.
    `alter table hub.services
      add constraint services_state_check check (state in ('ACTIVE', 'PAUSED', 'REMOVED')),
      add column revision integer not null default 0,
      add column next_push_secret text,
      add column previous_push_secrets jsonb not null default '[]',
      add column sync_error jsonb`,
  ),
  // The event ids that a service may claim; null for any.
  sqlMigration('hub/0006-event-access', 'alter table hub.services add column event_access text[]'),
];
