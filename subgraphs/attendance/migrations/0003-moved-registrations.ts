import { sqlMigration } from '#core/migrations.ts';

export const movedRegistrations = sqlMigration(
  'attendance/0003-moved-registrations',
  // Whose ticket it is: one that its service tells at another event has left this one.
  `alter table attendance.registrations add column service_id text not null default ''`,
  'update attendance.registrations r set service_id = e.service_id from hub.event_ids e where e.event_id = r.event_id',
  'alter table attendance.registrations alter column service_id drop default',
  'create index registrations_service on attendance.registrations (service_id, upstream_id)',
);
