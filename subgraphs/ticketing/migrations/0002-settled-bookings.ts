import { sqlMigration } from '#core/migrations.ts';

export const settledBookings = sqlMigration(
  'ticketing/0002-settled-bookings',
  'alter table ticketing.bookings add column starts_at timestamptz, add column begun_at timestamptz, add column settled boolean not null default false',
  // Of those that were begun before it was noted, the time of their reservation is known.
  `update ticketing.bookings set begun_at = created_at where attempt > 0`,
  `update ticketing.bookings set settled = state not in ('RESERVING', 'RESERVED', 'AWAITING_PAYMENT') and release is distinct from 'DUE'
     and coalesce(payment_status, '') not in ('UNKNOWN', 'PENDING') and coalesce(refund_status, '') not in ('DUE', 'PENDING')`,
  'create index bookings_of_service on ticketing.bookings (service_id)',
  'create index bookings_unsettled on ticketing.bookings (service_id) where not settled',
  // Refusals are not remembered.
  'alter table ticketing.requests drop column errors',
);
