import { sqlMigration } from '#core/migrations.ts';

export const lateFacts = sqlMigration(
  'attendance/0002-late-facts',
  // Check-ins that were taken back, so that one which arrives behind that word does not count.
  `create table attendance.voided_check_ins (
    event_id text not null,
    upstream_id text not null,
    primary key (event_id, upstream_id)
  )`,
  // When the upstream told its totals: older ones that arrive later are not taken over.
  'alter table attendance.live add column reported_at timestamptz',
);
