import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordFact } from '#core/facts.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { entities } from './entities.ts';
import { applyFacts } from './facts.ts';
import { subgraph } from './index.ts';
import { invalidates } from './invalidates.ts';

let own: TestHub;
beforeAll(async () => {
  own = await openTestHub({ entities });
});
afterAll(() => own[Symbol.asyncDispose]());

const at = (second: number) => new Date(Date.UTC(2024, 0, 1) + second * 1000);
const told = (type: string, eventId: string, data: RecordFact['data'], second = 0): RecordFact => ({ kind: 'record', type, eventId, upstreamId: `at ${eventId}`, at: at(second), data });
const event = (id: string, more: object = {}, second = 0) => told('eventbrite.event', id, { organization: '62', url: `https://www.eventbrite.com/e/${id}`, status: 'live', currency: 'USD', online: false, capacity: 600, category: 'Music', format: 'Conference', soldOut: false, ...more }, second);
const ticketClass = (id: string, more: object = {}) => ({ id, name: `Class ${id}`, free: false, donation: false, hidden: false, cost: { amount: '49.00', currency: 'USD' }, quantityTotal: 500, quantitySold: 7, onSaleStatus: 'AVAILABLE', ...more });
const classes = (id: string, list: readonly object[], second = 0) => told('eventbrite.ticketClasses', id, { classes: list }, second);
const apply = (facts: readonly RecordFact[], serviceId = 's1') => applyFacts(own.hub.database.em(), facts, { serviceId, now: at(0) });

const everything = 'eventbriteId organizationId url stage online category format soldOut capacity ticketsSold ticketClasses { id name free donation hidden cost { amount currency } quantityTotal quantitySold onSaleStatus }';
const ask = async (ids: readonly string[], who: Viewer, fields = everything) => {
  const { data, errors } = await asker(subgraph, own.hub)<{ _entities: (Record<string, unknown> | null)[] }>(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on EventbriteEvent { id ${fields} } } }`, who, { r: ids.map((id) => ({ __typename: 'EventbriteEvent', id })) });
  return { entities: data._entities, errors };
};

describe('an event', () => {
  test('shows where it stands and what it sells, with Eventbrite’s own counts and exact prices', async () => {
    await apply([event('e1'), classes('e1', [ticketClass('1'), ticketClass('2', { free: true, cost: null, quantitySold: 3 })])]);
    const { entities: shown, errors } = await ask(['e1'], viewerOf(['read_events'], ['e1']));
    expect(errors).toEqual([]);
    expect(shown).toEqual([{
      id: 'e1', eventbriteId: 'at e1', organizationId: '62', url: 'https://www.eventbrite.com/e/e1', stage: 'LIVE', online: false, category: 'Music', format: 'Conference', soldOut: false, capacity: 600, ticketsSold: 10,
      ticketClasses: [ticketClass('1'), ticketClass('2', { free: true, cost: null, quantitySold: 3 })],
    }]);
  });
  test('that Eventbrite never told of has nothing; a word that it learned since is none', async () => {
    await apply([event('strange', { status: 'astral' }), classes('strange', [ticketClass('1', { quantitySold: null })])]);
    const { entities: shown } = await ask(['nothing', 'strange'], viewerOf(['read_events'], ['nothing', 'strange']), 'stage capacity ticketsSold ticketClasses { id }');
    expect(shown).toEqual([{ id: 'nothing', stage: null, capacity: null, ticketsSold: null, ticketClasses: [] }, { id: 'strange', stage: null, capacity: 600, ticketsSold: null, ticketClasses: [{ id: '1' }] }]);
  });
});

test('records are kept as last told, and ticket classes that were deleted are gone', async () => {
  await apply([classes('r1', [ticketClass('1')], 2), classes('r1', [ticketClass('9')], 1), event('r1', { capacity: 5 }, 3), event('r1', { capacity: 4 }, 2)]);
  await apply([classes('r1', [ticketClass('2')], 4)]);
  expect((await ask(['r1'], viewerOf(['read_events'], ['r1']), 'capacity ticketClasses { id }')).entities).toEqual([{ id: 'r1', capacity: 5, ticketClasses: [{ id: '2' }] }]);
});

test('what changes an event is told to those who keep answers, and nothing else is', () => {
  expect(invalidates.facts?.([event('a'), classes('a', []), classes('b', []), told('pretix.event', 'c', {})])).toEqual([{ type: 'EventbriteEvent', key: { id: 'a' } }, { type: 'EventbriteEvent', key: { id: 'b' } }]);
});

test('many events cost as many statements as one', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `many-${index}`);
  await apply(ids.flatMap((id) => [event(id), classes(id, [ticketClass('1')])]));
  const count = async (some: readonly string[]) => {
    const before = own.statements();
    expect((await ask(some, viewerOf(['read_events'], some))).entities).toHaveLength(some.length);
    return own.statements() - before;
  };
  const [one, ...more] = [await count(ids.slice(0, 1)), await count(ids.slice(0, 10)), await count(ids)];
  expect(more).toEqual([one, one]);
});

test('nobody sees an event that is not on the list of the key, nor a field without its permission', async () => {
  await apply([event('secret'), classes('secret', [ticketClass('1')])]);
  expect((await ask(['secret'], viewerOf(['read_events'], ['another']))).entities).toEqual([null]);
  expect((await ask(['secret'], publicViewer)).entities).toEqual([null]);
  for (const field of ['capacity', 'ticketsSold', 'ticketClasses { id }']) {
    const { entities: shown, errors } = await ask(['secret'], viewerOf(['read_attendance'], ['secret']), field);
    expect(errors[0]).toMatchObject({ code: 'FORBIDDEN' });
    expect(Object.values(shown[0] ?? {})).toEqual(['secret', null]);
  }
});
