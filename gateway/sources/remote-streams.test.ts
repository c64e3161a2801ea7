/** How a subgraph's own server and a slow reader get along. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { DataSource, SourceEvent, SourceEvents } from './data-source.ts';
import { createRemoteDataSource } from './remote-data-source.ts';
import { subgraphOperation } from './subgraph-operation.ts';
import { PlainVariables } from './subgraph-variables.ts';
import { schemaOf, subgraph, viewerWith } from '../testing/kit.ts';
import { type TestLog, createTestLog } from '../testing/log.ts';
import { type SubgraphServer, serveSubgraph } from '../testing/subgraph-server.ts';

type Tick = { ticked: number };
let log: TestLog<Tick>;
let server: SubgraphServer;
let source: DataSource;

const start = async (options: { readonly paced?: boolean; readonly conflate?: boolean }): Promise<void> => {
  log = createTestLog();
  const { conflate = false } = options;
  const schema = schemaOf(subgraph('clock', 'type Query { now: Int } type Subscription { ticked: Int! }', { Subscription: { ticked: { subscribe: () => log.subscribe({ from: 0, conflate }) } } }));
  server = await serveSubgraph(schema, options);
  source = createRemoteDataSource({ url: server.url, signViewer: () => 'signed' });
};
afterEach(async () => {
  await source.close?.();
  await server.close();
});

const open = async (): Promise<SourceEvents> => {
  const events = await source.subscribe({ operation: subgraphOperation('subscription { ticked }'), variables: new PlainVariables({}), viewer: viewerWith('read_events'), requestId: 'r1', signal: new AbortController().signal });
  if (!(Symbol.asyncIterator in events)) throw new Error(JSON.stringify(events));
  return events;
};
const take = async (events: AsyncIterableIterator<SourceEvent>): Promise<unknown> => {
  const { value, done } = await events.next();
  return done ? 'done' : valueOf(value as SourceEvent);
};
const valueOf = async (event: SourceEvent): Promise<number> => ((await event.execute()).data as Tick).ticked;
const valuesOf = (events: readonly SourceEvent[] = []) => Promise.all(events.map(valueOf));
const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const publish = (first: number, last = first) => log.publish(...numbers(first, last).map((ticked) => ({ ticked })));

test('what there is to tell at the same time comes together, to be taken at once, for one question', async () => {
  await start({});
  const asks = vi.spyOn(WebSocket.prototype, 'send');
  const events = await open();
  const first = take(events);
  await log.waiting(1);
  publish(1, 250);
  const taken = [[await first, ...(await valuesOf(events.atHand?.(10))), ...(await valuesOf(events.atHand?.(1_000)))]];
  for (let n = 0; n < 2; n++) taken.push([await take(events), ...(await valuesOf(events.atHand?.(1_000)))]);
  expect(taken).toEqual([numbers(1, 100), numbers(101, 200), numbers(201, 250)]);
  expect(asks.mock.calls.filter(([message]) => String(message).includes('pong'))).toHaveLength(2);
  asks.mockRestore();
  await events.return?.();
});

test('one that comes alone is not kept waiting', async () => {
  await start({});
  const events = await open();
  for (let n = 1; n <= 3; n++) {
    const next = take(events);
    await log.waiting(1);
    publish(n);
    expect([await next, events.atHand?.(10)]).toEqual([n, []]);
  }
});

describe('a reader that is slow', () => {
  test('gets the newest value, where its source keeps nothing else', async () => {
    await start({ conflate: true });
    const [slow, quick] = [await open(), await open()];
    const first = take(slow);
    let next = take(quick);
    await log.waiting(2);
    publish(1);
    expect([await first, await next]).toEqual([1, 1]);
    for (let n = 2; n <= 50; n++) {
      next = take(quick);
      await log.waiting(1); // the slow reader's stream is not read meanwhile
      publish(n);
      expect(await next).toBe(n);
    }
    expect(await take(slow)).toBe(50);
    await Promise.all([slow.return?.(), quick.return?.()]);
  });

  test('gets every event, where none replaces another, however many', async () => {
    await start({});
    const events = await open();
    publish(1, 3_000);
    for (let n = 1; n <= 3_000; n++) expect(await take(events)).toBe(n);
    await events.return?.();
    await expect.poll(() => log.open).toBe(0);
  });

  test('holds back no other reader on the same connection', async () => {
    await start({});
    const [slow, quick] = [await open(), await open()];
    publish(1, 50);
    expect(await take(slow)).toBe(1);
    for (let n = 1; n <= 50; n++) expect(await take(quick)).toBe(n);
    expect(await take(slow)).toBe(2);
    expect(server.socketViewers).toHaveLength(1);
    await Promise.all([slow.return?.(), quick.return?.()]);
    await expect.poll(() => log.open).toBe(0);
  });

  test('of a server that does not wait for it ends with a code to resume on, once it is far behind', async () => {
    await start({ paced: false });
    const events = await open();
    const first = take(events);
    await log.waiting(1);
    publish(1);
    expect(await first).toBe(1);
    publish(2, 3_000);
    // It has sent them all when it waits again; what of them came is told by the reader itself.
    await log.waiting(1);
    await expect.poll(() => take(events).then(() => 'more', (error: { code: string }) => error.code)).toBe('SUBSCRIPTION_TOO_SLOW');
    await expect.poll(() => log.open).toBe(0);
  });
});
