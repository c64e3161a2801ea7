/** Rows that were not understood, read again: after the hub learned to, or when their event can be read at last. */
import type { Connector } from '#core/connector.ts';
import type { Fact } from '#core/facts.ts';
import { factsOfEvents, isWanted } from './connector-calendar.ts';
import { attendeeFacts } from './connector-facts.ts';
import type { EventbriteSettings } from './connector-settings.ts';
import { parseRows } from './upstream.ts';
import * as payloads from './upstream-payloads.ts';

export const translateAgain: NonNullable<Connector<EventbriteSettings>['translateAgain']> = (context, records) => {
  const rowsOf = (kind: 'event' | 'registration') => records.filter(({ upstreamId, raw }) => upstreamId.startsWith(`${kind}:`) && raw !== null).map(({ raw }) => raw);
  const events = parseRows(rowsOf('event'), payloads.event);
  const attendees = parseRows(rowsOf('registration'), payloads.attendee);
  const facts: Fact[] = [
    ...factsOfEvents(context, events.rows),
    ...attendees.rows.filter((row) => isWanted(context, row.event_id)).flatMap((row) => attendeeFacts(row, context.service.settings, context.hashParticipant, context.now())),
  ];
  // What was kept without its content says nothing new: a later pull reads it, or rejects it again.
  const without = records.filter(({ upstreamId, raw }) => raw === null || !/^(event|registration):/.test(upstreamId));
  return Promise.resolve({ facts, rejected: [...events.rejected, ...attendees.rejected, ...without] });
};
