import { sqlMigration } from '#core/migrations.ts';

export const retiredEvents = sqlMigration(
  'attendance/0004-retired-events',
  // The service was removed and its data kept: the live value is the last that was known.
  'alter table attendance.live add column is_retired boolean not null default false',
);
