/**
 * Makes events of the sessions of a file of scans, for the gate simulator to play.
 *
 * The file tells joins and nothing else: nobody is seen leaving, so whoever joined is present to the end, and the
 * registered of a session are those who came. A session lasts from the half hour before its first join to the half
 * hour after its last.
 */
import type { Change, EventPlan } from '#simulators/gatekeeper/plan.ts';
import { type Scan, countSessions } from './scan-file.ts';

const halfHour = 30 * 60_000;
const gateId = 'door';

/** The hub-wide id of each session: prefix and name, in small letters, digits and dashes; equal ones are numbered. */
export const sessionIds = (prefix: string, sessions: Iterable<string>): Map<string, string> => {
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  for (const session of sessions) {
    const name = session.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'session';
    const base = `${prefix}-${name}`.slice(0, 120);
    let id = base;
    for (let number = 2; taken.has(id); number += 1) id = `${base}-${number}`;
    taken.add(id);
    ids.set(session, id);
  }
  return ids;
};

export type SessionPlan = EventPlan & { readonly session: string };

export const planSessions = (scans: readonly Scan[], prefix: string, timezone: string): SessionPlan[] => {
  const counts = countSessions(scans);
  const ids = sessionIds(prefix, counts.keys());
  return [...counts].map(([session, { attendees }]) => {
    const eventId = ids.get(session) ?? session;
    const joins = scans.filter((scan) => scan.session === session && scan.type === 'join');
    const start = Math.floor(Math.min(...joins.map(({ at }) => at)) / halfHour) * halfHour;
    const end = (Math.floor(Math.max(...joins.map(({ at }) => at)) / halfHour) + 1) * halfHour;
    const changes: Change[] = [
      { kind: 'gate', at: start, gateId, status: 'open' },
      { kind: 'status', at: start, status: 'ongoing' },
      ...joins.map(({ participant, at }, index): Change => ({ kind: 'checkIn', at, id: `${eventId}-${index + 1}`, badgeId: participant, gateId, direction: 'entry' })),
      { kind: 'status', at: end, status: 'ended' },
      { kind: 'gate', at: end, gateId, status: 'closed' },
    ];
    return {
      session, eventId, eventName: session, type: 'session', organizer: { organization: prefix, contact: '' }, period: { start, end }, timezone, region: 'replay', venue: null, public: false,
      registered: attendees, gates: [{ id: gateId, name: 'Door' }], changes: changes.sort((left, right) => left.at - right.at),
    };
  });
};
