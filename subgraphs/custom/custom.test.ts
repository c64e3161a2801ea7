import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordFact } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { joinAttributes } from './domain.ts';
import { entities } from './entities.ts';
import { applyFacts, forgetEvents } from './facts.ts';
import { subgraph } from './index.ts';
import { invalidates } from './invalidates.ts';

let own: TestHub;
let ask: ReturnType<typeof asker>;
beforeAll(async () => {
  own = await openTestHub({ entities });
  ask = asker(subgraph, own.hub);
});
afterAll(() => own[Symbol.asyncDispose]());

const at = (second: number) => new Date(Date.UTC(2024, 5, 1) + second * 1000);
const told = (eventId: string, upstreamId: string, data: RecordFact['data'], second = 0): RecordFact => ({ kind: 'record', type: 'custom.attributes', eventId, upstreamId, at: at(second), data });
const given = (...facts: RecordFact[]) => applyFacts(own.hub.database.em(), facts);
type Shown = { _entities: ({ attributes: unknown } | null)[] };
const shown = async (ids: readonly string[], viewer: Viewer = viewerOf(['read_events'])) => {
  const { data, errors } = await ask<Shown | null>('query ($r: [_Any!]!) { _entities(representations: $r) { ... on CustomEvent { attributes } } }', viewer, { r: ids.map((id) => ({ __typename: 'CustomEvent', id })) });
  return { attributes: data?._entities.map((each) => each && each.attributes), codes: errors.map(({ code }) => code) };
};

describe('attributes of an event', () => {
  test('are what each resource told last, joined', async () => {
    await given(told('e1', 'seats', { free: 5 }, 1), told('e1', 'seats', { free: 4, of: 9 }, 2), told('e1', 'halls', { hall: 'A' }));
    await given(told('e1', 'seats', { free: 7 }, 1));
    expect((await shown(['e1', 'e0'])).attributes).toEqual([{ free: 4, of: 9, hall: 'A' }, null]);
    await given(told('e1', 'halls', null, 5));
    expect((await shown(['e1'])).attributes).toEqual([{ free: 4, of: 9 }]);
    await given({ ...told('e1', 'other', { not: 'mine' }), type: 'pretix.event' });
    expect((await shown(['e1'])).attributes).toEqual([{ free: 4, of: 9 }]);
  });
  test('are the last resource\'s by name where two tell of the same, and never change what others share', () => {
    expect(joinAttributes([{ resource: 'b', data: { x: 2 } }, { resource: 'a', data: { x: 1, y: 1 } }])).toEqual({ x: 2, y: 1 });
    const joined = joinAttributes([{ resource: 'a', data: JSON.parse('{"__proto__": {"polluted": 1}}') as Record<string, unknown> }]);
    expect([JSON.stringify(joined), ({} as { polluted?: number }).polluted]).toEqual(['{"__proto__":{"polluted":1}}', undefined]);
  });
  test('are read by one statement, however many events are asked for', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `many-${n}`);
    await given(...ids.map((id) => told(id, 'seats', { id })));
    const before = own.statements();
    expect((await shown(ids)).attributes).toEqual(ids.map((id) => ({ id })));
    expect(own.statements() - before).toBe(1);
  });
  test('are for those who may read the event alone', async () => {
    await given(told('e2', 'seats', { free: 1 }));
    expect(await shown(['e2'], publicViewer)).toMatchObject({ attributes: [null] });
    expect((await shown(['e2'], viewerOf(['read_attendance'], ['e2']))).codes).toEqual(['FORBIDDEN']);
    expect((await shown(['e2'], viewerOf(['read_events'], ['e1']))).attributes).toEqual([null]);
  });
  test('are forgotten with their event', async () => {
    await given(told('gone', 'seats', { free: 1 }), told('stays', 'seats', { free: 1 }));
    await forgetEvents(own.hub.database.em(), ['gone']);
    expect(await query(own.hub.database.em(), `select event_id from custom.attributes where event_id in ('gone', 'stays')`)).toEqual([{ event_id: 'stays' }]);
  });
  test('that change drop the cached answers of their event', () => {
    expect(invalidates.facts?.([told('e1', 'a', {})])).toEqual([{ type: 'CustomEvent', key: { id: 'e1' } }]);
  });
});
