import fc from 'fast-check';
import { graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GateFact, type GateStatus, gateStatuses } from '#core/facts.ts';
import { buildSubgraph } from '#core/subgraph.ts';
import { type TestHub, openTestHub } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { entities } from './entities.ts';
import { applyFacts } from './facts.ts';
import { subgraph } from './index.ts';

let own: TestHub;

beforeAll(async () => {
  own = await openTestHub({ entities });
});
afterAll(() => own[Symbol.asyncDispose]());

const gate = (eventId: string, id: string, second: number, status: GateStatus = 'OPEN', throughput = 0): GateFact => ({ kind: 'gate', eventId, upstreamId: id, at: new Date(Date.UTC(2024, 0, 1) + second * 1000), name: `Gate ${id}`, status, throughput });

const viewer = (events: readonly string[], permissions: Viewer['permissions'] = new Set(['read_attendance'])): Viewer => ({ kind: 'key', keyId: 'k', permissions, events: new Set(events) });

const ask = async (ids: readonly string[], who: Viewer) => {
  const built = buildSubgraph(subgraph, own.hub);
  const source = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on GateEvent { id gates { id name status throughput updatedAt } } } }';
  const result = await graphql({ schema: built.schema, source, contextValue: built.contextFor(who, 'test', new AbortController().signal), variableValues: { r: ids.map((id) => ({ __typename: 'GateEvent', id })) } });
  return { entities: result.data?._entities as ({ id: string; gates: { id: string; status: string; throughput: number }[] | null } | null)[], errors: result.errors };
};

describe('gates', () => {
  test('are shown by id, as last told', async () => {
    await applyFacts(own.hub.database.em(), [gate('shown', 'b', 1), gate('shown', 'a', 1, 'CLOSED'), gate('shown', 'b', 2, 'FAILED', 3)]);
    const { entities: [event] } = await ask(['shown'], viewer(['shown']));
    expect(event).toMatchObject({ id: 'shown', gates: [{ id: 'a', name: 'Gate a', status: 'CLOSED' }, { id: 'b', status: 'FAILED', throughput: 3, updatedAt: new Date('2024-01-01T00:00:02Z') }] });
  });
  test('are the newest told, in whatever order and batches the telling comes', async () => {
    const told = fc.array(fc.record({ second: fc.nat(50), status: fc.constantFrom(...gateStatuses) }), { minLength: 1, maxLength: 12 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(50), { minLength: 1, maxLength: 10 }), told, fc.nat(9), async (seconds, statuses, cut) => {
        const event = `run-${(run += 1)}`;
        const facts = seconds.map((second, index) => gate(event, 'a', second, statuses[index % statuses.length]?.status));
        await applyFacts(own.hub.database.em(), facts.slice(0, cut));
        await applyFacts(own.hub.database.em(), facts.slice(cut));
        const { entities: [shown] } = await ask([event], viewer([event]));
        expect(shown?.gates?.map(({ status }) => status)).toEqual([facts.toSorted((left, right) => right.at.getTime() - left.at.getTime())[0]?.status]);
      }),
      { numRuns: 20 },
    );
  });
  test('of many events cost as many statements as of one', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `many-${index}`);
    await applyFacts(own.hub.database.em(), ids.flatMap((id) => [gate(id, 'a', 1), gate(id, 'b', 1)]));
    const count = async (some: readonly string[]) => {
      const before = own.statements();
      expect((await ask(some, viewer(some))).entities).toHaveLength(some.length);
      return own.statements() - before;
    };
    const counts = [await count(ids.slice(0, 1)), await count(ids.slice(0, 10)), await count(ids)];
    expect(counts).toEqual([1, 1, 1]);
  });
  test('are not shown of an event that is not on the list of the key, nor without the permission, nor without a key', async () => {
    await applyFacts(own.hub.database.em(), [gate('secret', 'a', 1)]);
    expect((await ask(['secret'], viewer(['another']))).entities).toEqual([null]);
    expect((await ask(['secret'], publicViewer)).entities).toEqual([null]);
    const without = await ask(['secret'], viewer(['secret'], new Set(['read_events'])));
    expect(without.entities).toEqual([{ id: 'secret', gates: null }]);
    expect(without.errors?.[0]?.originalError).toMatchObject({ code: 'FORBIDDEN' });
  });
});
