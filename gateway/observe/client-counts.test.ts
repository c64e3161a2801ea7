import { expect, test } from 'vitest';
import { publicViewer } from '#core/viewer.ts';
import { viewerWith } from '../testing/kit.ts';
import { ClientCounts, clientOf } from './client-counts.ts';

const told = (counts: ClientCounts) => [...counts.all()].map(({ client, operation, durations }) => [client, operation, durations.sum]);

test('durations are told apart by client and operation; operations without a name are one', () => {
  const counts = new ClientCounts();
  counts.add('CRM', 'Events', 2);
  counts.add('CRM', 'Events', 3);
  counts.add('CRM', undefined, 1);
  counts.add('Zapier', 'Events', 4);
  expect(told(counts)).toEqual([['CRM', 'Events', 5], ['CRM', 'UNNAMED', 1], ['Zapier', 'Events', 4]]);
});

test('what answers cost is added up', () => {
  const counts = new ClientCounts();
  counts.add('CRM', 'Events', 2, 10);
  counts.add('CRM', 'Events', 3, 7);
  expect([...counts.all()]).toMatchObject([{ client: 'CRM', operation: 'Events', cost: 17 }]);
});

test('a client that names its operations anew each time takes a bounded room, and none of another client', () => {
  const counts = new ClientCounts();
  for (let each = 0; each < 10_000; each++) counts.add('noisy', `Q${each}`, 1);
  counts.add('CRM', 'Events', 1);
  const all = told(counts);
  expect(all.length).toBe(102);
  expect(all).toContainEqual(['noisy', 'OTHER', 9_900]);
  expect(all).toContainEqual(['CRM', 'Events', 1]);
});

test('a viewer is counted under its client, one without a key as public', () => {
  expect(clientOf(publicViewer)).toBe('public');
  expect(clientOf({ ...viewerWith(), terms: { client: 'CRM', tier: 'partner', documents: 'any' } })).toBe('CRM');
});
