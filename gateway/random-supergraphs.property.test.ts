/**
 * For random supergraphs, data and operations, what the gateway answers is held against one plain graphql-js schema that
 * holds all the data. `npm run test:explore` checks twenty times as many, other ones each time.
 */
import { expect, test } from 'vitest';
import { whateverArrivesFirst } from './testing/arrivals.ts';
import { asksForEachEntityOnce, equalsPlainAnswer, togetherEqualPlainAnswer } from './testing/claims.ts';
import { forCases } from './testing/engines.ts';
import { lacksOnlyWhatFailed } from './testing/failures.ts';

const timeout = 60_000 * Math.max(1, Number(process.env['PROPERTY_RUNS'] ?? 1));

test('the federated answer equals the plain one; most random supergraphs compose, most operations are planned', { timeout }, async () => {
  const { supergraphs, composed, operations, checked } = await forCases({ supergraphs: 30 }, equalsPlainAnswer);
  expect(composed).toBeGreaterThan(supergraphs / 2);
  expect(checked).toBeGreaterThan(operations / 2);
});

test('no request asks for one entity twice with one selection', { timeout }, async () => {
  expect(await forCases({ supergraphs: 20 }, asksForEachEntityOnce)).toMatchObject({});
});

test('the order in which subgraphs answer does not matter', { timeout }, async () => {
  expect(await forCases({ supergraphs: 25 }, whateverArrivesFirst(equalsPlainAnswer))).toMatchObject({});
});

test('where requests fail, an answer lacks nothing that did not need them, and tells an error for what it lacks', { timeout }, async () => {
  expect(await forCases({ supergraphs: 30 }, lacksOnlyWhatFailed)).toMatchObject({});
});

// Without broken promises: in a whole answer, a null moves up past where the parts begin.
test('the parts of an answer together are the whole, in whatever order they come', { timeout }, async () => {
  expect(await forCases({ supergraphs: 25, defer: true, mayFail: false }, whateverArrivesFirst(togetherEqualPlainAnswer))).toMatchObject({});
});
