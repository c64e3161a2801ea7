/** What equal queries under way share of one request to a subgraph, and what they never do. */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Viewer } from '#core/viewer.ts';
import type { SubgraphRequest } from './data-source.ts';
import type { RemoteSubgraph } from './remote-data-source.ts';
import { subgraphOperation } from './subgraph-operation.ts';
import { PlainVariables } from './subgraph-variables.ts';
import { answered, createRemotes, good, rename, request } from './test-remotes.ts';
import { viewerWith } from '../testing/kit.ts';

const { asking, close } = createRemotes();
afterEach(close);

describe('identical queries under way', () => {
  const held = async (settings: Partial<RemoteSubgraph> = {}) => {
    const sockets: Socket[] = [];
    const set = await asking((socket) => void sockets.push(socket), settings);
    const answerAll = async (count: number) => {
      await expect.poll(() => sockets.length).toBe(count);
      for (const socket of sockets) socket.write(good);
    };
    return { ...set, answerAll };
  };
  test('are one request, and nobody is handed the objects of another', async () => {
    const { source, answerAll } = await held();
    const fetches = [source.execute(request()), source.execute(request({ requestId: 'r2' }))];
    await answerAll(1);
    const [one, two] = await Promise.all(fetches);
    expect([one, two]).toEqual([answered, answered]);
    expect(one?.data?.['list']).not.toBe(two?.data?.['list']);
  });
  const other = (change: Partial<Viewer>): Viewer => ({ ...viewerWith('read_events'), ...change });
  test.each<[string, Partial<SubgraphRequest>, Partial<RemoteSubgraph>]>([
    ['other variables', { variables: new PlainVariables({ id: 1 }) }, {}],
    ['another operation', { operation: subgraphOperation('{ list other }') }, {}],
    ['another key', { viewer: other({ keyId: 'k2' }) }, {}],
    ['other permissions', { viewer: other({ permissions: new Set(['admin']) }) }, {}],
    ['other events', { viewer: other({ events: new Set(['e1']) }) }, {}],
    ['another kind of viewer', { viewer: other({ kind: 'hub' }) }, {}],
    ['sharing switched off', {}, { shareFetches: false }],
  ])('are two with %s', async (_, change, settings) => {
    const { source, answerAll } = await held(settings);
    const fetches = [source.execute(request()), source.execute(request(change))];
    await answerAll(2);
    expect(await Promise.all(fetches)).toEqual([answered, answered]);
  });
  test('mutations are not shared, and a query after one asks anew', async () => {
    const { source, answerAll, server } = await held();
    const fetches = [source.execute(request({ operation: rename })), source.execute(request({ operation: rename })), source.execute(request())];
    await answerAll(3);
    await Promise.all(fetches);
    const before = source.execute(request());
    await expect.poll(() => server.asked.length).toBe(4);
    const change = source.execute(request({ operation: rename }));
    await expect.poll(() => server.asked.length).toBe(5);
    server.asked.length = 0;
    void answerAll(5);
    await change;
    await before;
  });
});

test('a query after a mutation of another subgraph asks anew, as what was changed may show in its answer', async () => {
  const held: Socket[] = [];
  const changed = await asking((socket) => socket.write(good));
  const { source, server } = await asking((socket) => void held.push(socket));
  const before = source.execute(request());
  await expect.poll(() => held.length).toBe(1);
  await changed.source.execute(request({ operation: rename }));
  const after = source.execute(request());
  await expect.poll(() => server.asked.length).toBe(2);
  for (const socket of held) socket.write(good);
  expect(await Promise.all([before, after])).toEqual([answered, answered]);
});
