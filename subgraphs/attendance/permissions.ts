import { needs, visibleEvent } from '#core/permissions.ts';

export const permissions = {
  Event: { attendance: needs('read_attendance'), attendanceHistory: needs('read_attendance'), checkIns: needs('read_attendance') },
  CheckIn: { participant: needs('read_participants') },
  Subscription: { attendanceChanged: needs('read_attendance'), checkInRecorded: needs('read_attendance'), eventStatusChanged: needs('read_events') },
};

export const references = { Event: visibleEvent };
