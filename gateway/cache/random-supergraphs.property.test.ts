/** For random supergraphs, data and operations, what is answered from the cache equals the plain schema's answer. */
import { expect, test } from 'vitest';
import { createMemoryTaggedCache } from '#core/tagged-cache.ts';
import { createLocalDataSource } from '../sources/local-data-source.ts';
import { type Gateway, createGateway } from '../index.ts';
import { equalsPlainAnswer } from '../testing/claims.ts';
import { type Case, type TestEngine, forCases } from '../testing/engines.ts';
import { withHints } from '../testing/hinted.ts';

const limits = { maxDocumentLength: 1_000_000, maxTokens: 100_000, maxAliases: 10_000, maxFields: 100_000, maxRootFields: 1_000 };

/** Two gateways over the subgraphs of a case: one that keeps whole answers too, and one that keeps entities alone. */
const keeping = new WeakMap<TestEngine, readonly Gateway[]>();
const gatewaysOver = (tested: TestEngine): readonly Gateway[] => {
  const { world } = tested;
  const over = (roots: boolean) =>
    createGateway({
      supergraph: withHints(world.supergraph, roots),
      cache: createMemoryTaggedCache({ maxBytes: 10_000_000 }),
      limits,
      dataSources(name) {
        const { schema } = world.subgraphs.get(name) ?? expect.fail(name);
        const source = createLocalDataSource({ schema, contextFor: () => ({}) });
        return { ...source, execute: (request) => tested.handle(request, name, () => source.execute(request)) };
      },
    });
  const known = keeping.get(tested) ?? [over(true), over(false)];
  keeping.set(tested, known);
  return known;
};

const hits = { answers: 0, entities: 0 };
const equalsPlainAnswerThoughKept = async (found: Case): Promise<void> => {
  for (const gateway of gatewaysOver(found.tested)) {
    const { answers, entities } = gateway.counts.cache;
    const before = { answers: answers.hits, entities: entities.hits };
    const tested = { ...found.tested, gateway };
    for (let time = 0; time < 2; time++) await equalsPlainAnswer({ ...found, tested });
    hits.answers += answers.hits - before.answers;
    hits.entities += entities.hits - before.entities;
  }
};

test('what is kept equals what would be answered anew, whole answers and entities of other operations', { timeout: 240_000 * Math.max(1, Number(process.env['PROPERTY_RUNS'] ?? 1)) }, async () => {
  const { checked } = await forCases({ supergraphs: 30 }, equalsPlainAnswerThoughKept);
  expect(hits.answers).toBeGreaterThan(checked / 4); // those without errors
  expect(hits.entities).toBeGreaterThan(checked / 4);
});
