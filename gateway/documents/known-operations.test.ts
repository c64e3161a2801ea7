/** Whose operations an id can name, whatever is published meanwhile. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryBus } from '#core/bus.ts';
import type { PublishedOperation } from '#core/published-operations.ts';
import { createKnownOperations } from './known-operations.ts';
import { operation } from './test-doors.ts';

const ids = ['a', 'b', 'c', '__proto__'];
const clients = ['crm', 'zapier', 'web'];
const listOf = (prefix: string) => fc.uniqueArray(fc.record({ id: fc.constantFrom(...ids), text: fc.nat(5) }), { selector: ({ id }) => id, maxLength: 3 }).map((entries) => entries.map(({ id, text }) => operation('X', `query X { ${prefix}_${text} }`, id)));
const bus = createMemoryBus();

test('an id is the document of the hub, or else of the client that asks, and never of another', async () => {
  const publications = fc.record({ crm: listOf('crm'), zapier: listOf('zapier'), web: listOf('web') });
  await fc.assert(
    fc.asyncProperty(listOf('hub'), fc.array(publications, { minLength: 1, maxLength: 4 }), async (own, states) => {
      let state: Readonly<Record<string, ReturnType<typeof operation>[]>> = {};
      const of = async (client: string): Promise<PublishedOperation[]> => (state[client] ?? []).map((each) => ({ ...each, client }));
      using known = createKnownOperations({ own, published: { of, all: async () => [] }, bus });
      for (state of states) {
        // A list that is being read while it changes is read again.
        const meanwhile = clients.map((client) => known.find('a', client));
        for (const client of clients) bus.publish('operations.changed', { client });
        await Promise.all(meanwhile);
        for (const client of [...clients, null])
          for (const id of ids) {
            const published = client === null ? [] : (state[client] ?? []);
            const expected = [...own, ...published].find((each) => each.id === id)?.body;
            expect(await known.find(id, client)).toBe(expected);
            for (const { body } of Object.values(state).flat()) expect(await known.isBody(body, client)).toBe([...own, ...published].some((each) => each.body === body));
          }
      }
    }),
    { numRuns: 60 },
  );
});

test('what was read before a change is not kept after it', async () => {
  const reads: ((operations: PublishedOperation[]) => void)[] = [];
  using known = createKnownOperations({ own: [], published: { of: () => new Promise((resolve) => reads.push(resolve)), all: async () => [] }, bus });
  const early = known.find('a', 'crm');
  bus.publish('operations.changed', { client: 'crm' });
  await new Promise((resolve) => setImmediate(resolve));
  reads[0]?.([{ ...operation('X', '{ old }', 'a'), client: 'crm' }]);
  expect(await early).toBe('{ old }');
  const late = known.find('a', 'crm');
  reads[1]?.([{ ...operation('X', '{ new }', 'a'), client: 'crm' }]);
  expect(await late).toBe('{ new }');
});
