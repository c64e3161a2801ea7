/**
 * Registrations that moved, as a ticket that is booked over to another date of a series. A movable one is at one event
 * at a time: told at another, it has left the one before, of which the upstream says nothing any more. Its
 * participant's check-ins there are gone too; the upstream tells those that stand at the event it moved to.
 */
import type { EntityManager } from '#core/database.ts';
import type { RegistrationFact } from '#core/facts.ts';
import { forgetFacts } from '#core/known-facts.ts';
import { query } from '#core/sql.ts';

/** A registration at an event that it is not at any more; `at`: when it was told elsewhere. */
export type Left = { readonly eventId: string; readonly upstreamId: string; readonly participant: string; readonly at: Date };

/** Where each registration is now, and what it has left. Of two events in one batch the one told last has it. */
export const findMoved = async (em: EntityManager, facts: readonly RegistrationFact[], serviceId: string): Promise<{ readonly registrations: readonly RegistrationFact[]; readonly left: readonly Left[] }> => {
  const movable = facts.filter((fact) => fact.movable);
  if (movable.length === 0) return { registrations: facts, left: [] };
  const newest = new Map<string, RegistrationFact>();
  for (const fact of movable) if ((newest.get(fact.upstreamId)?.at ?? fact.at) <= fact.at) newest.set(fact.upstreamId, fact);
  const moving = [...newest.values()];
  const rows = await query<Omit<Left, 'at'>>(
    em,
    `select r.event_id as "eventId", r.upstream_id as "upstreamId", r.participant
     from unnest($2::text[], $3::text[]) as told (event_id, upstream_id) join attendance.registrations r on r.service_id = $1 and r.upstream_id = told.upstream_id
     where r.event_id <> told.event_id`,
    [serviceId, moving.map(({ eventId }) => eventId), moving.map(({ upstreamId }) => upstreamId)],
  );
  const outdone = movable.filter(({ eventId, upstreamId }) => newest.get(upstreamId)?.eventId !== eventId);
  return { registrations: [...facts.filter((fact) => !fact.movable), ...moving], left: [...rows, ...outdone].map(({ eventId, upstreamId, participant }) => ({ eventId, upstreamId, participant, at: newest.get(upstreamId)?.at ?? new Date(0) })) };
};

/** Takes registrations out of the events that they left. Should they come back, all is told and counted again. */
export const removeLeft = async (em: EntityManager, left: readonly Left[], serviceId: string): Promise<void> => {
  if (left.length === 0) return;
  const checkIns = await query<{ eventId: string; upstreamId: string; participant: string }>(
    em,
    `with told as (select * from unnest($1::text[], $2::text[], $3::text[]) as t (event_id, upstream_id, participant)),
     gone as (delete from attendance.registrations r using told where r.event_id = told.event_id and r.upstream_id = told.upstream_id),
     people as (
       select distinct event_id, participant from told
       where not exists (
         select from attendance.registrations r where r.event_id = told.event_id and r.participant = told.participant and r.state <> 'CANCELLED'
           and not exists (select from told t where t.event_id = r.event_id and t.upstream_id = r.upstream_id))),
     absent as (delete from attendance.presences p using people where p.event_id = people.event_id and p.participant = people.participant)
     delete from attendance.check_ins c using people where c.event_id = people.event_id and c.participant = people.participant
     returning c.event_id as "eventId", c.upstream_id as "upstreamId", c.participant`,
    [left.map(({ eventId }) => eventId), left.map(({ upstreamId }) => upstreamId), left.map(({ participant }) => participant)],
  );
  const movedAt = new Map(left.map(({ eventId, participant, at }) => [`${eventId} ${participant}`, at]));
  await forgetFacts(em, serviceId, [
    ...left.map(({ eventId, upstreamId, at }) => ({ kind: 'registration' as const, eventId, upstreamId, at })),
    ...checkIns.map(({ eventId, upstreamId, participant }) => ({ kind: 'checkIn' as const, eventId, upstreamId, at: movedAt.get(`${eventId} ${participant}`) ?? new Date(0) })),
  ]);
};
