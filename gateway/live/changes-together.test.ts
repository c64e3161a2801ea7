/** Changes that are there at the same time: what they ask of other subgraphs is one request, and each is told as if it came alone. */
import type { ExecutionResult } from 'graphql';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { within } from '#core/testing.ts';
import type { Viewer } from '#core/viewer.ts';
import { type Gateway, createGateway } from '../index.ts';
import { circuitOpen, timedOut, unreachable } from '../resilience/failures.ts';
import type { DataSource, SubgraphRequest } from '../sources/data-source.ts';
import { createLocalDataSource } from '../sources/local-data-source.ts';
import { createRemoteDataSource } from '../sources/remote-data-source.ts';
import { composeAll, schemaOf, subgraph, viewerWith } from '../testing/kit.ts';
import { type TestLog, createTestLog } from '../testing/log.ts';
import { serveSubgraph } from '../testing/subgraph-server.ts';

type Change = { readonly changed: { readonly n: number; readonly thing: { readonly id: string } | null } };
let log: TestLog<Change>;
let gateway: Gateway;
/** What each request asked for: the subgraph, and the ids of its entities. */
let sent: { readonly to: string; readonly ids: readonly string[] }[];
/** What a subgraph makes of a request instead of answering it. */
let handle: (to: string, request: SubgraphRequest, answer: () => Promise<ExecutionResult>) => Promise<ExecutionResult>;

const clock = subgraph('clock', 'type Query { now: Int } type Subscription { changed(after: Int): Change! } type Change { n: Int! thing: Thing } type Thing @key(fields: "id") { id: ID! }', {
  Subscription: { changed: { subscribe: (_: unknown, { after }: { after?: number }) => log.subscribe({ from: after ?? log.length }) } },
});
const things = subgraph('things', 'type Query { things: [Thing!] } type Thing @key(fields: "id") { id: ID! name(loud: Boolean): String owner: Owner } type Owner @key(fields: "id") { id: ID! }', {
  Thing: {
    __resolveReference: ({ id }: { id: string }) => (id.startsWith('missing') ? null : { id }),
    name({ id }: { id: string }, { loud }: { loud?: boolean }) {
      if (id.startsWith('nameless')) throw new Error('The test wants this name to fail.');
      return loud ? `THING ${id}` : `Thing ${id}`;
    },
    owner: ({ id }: { id: string }) => (id.startsWith('unowned') ? null : { id: `of ${id.at(-1)}` }),
  },
});
const owners = subgraph('owners', 'type Query { owners: [Owner!] } type Owner @key(fields: "id") { id: ID! name: String! }', { Owner: { name: ({ id }: { id: string }) => `Owner ${id}` } });
const subgraphs = [clock, things, owners];
const live = 'subscription ($after: Int, $loud: Boolean) { changed(after: $after) { n thing { id name(loud: $loud) owner { name } } } }';

const idsIn = ({ variables }: SubgraphRequest): string[] => ((variables.values['representations'] ?? []) as { id: string }[]).map(({ id }) => id);
const handled = (to: string, source: DataSource): DataSource => ({
  execute: (request) => (sent.push({ to, ids: idsIn(request) }), handle(to, request, () => source.execute(request))),
  subscribe: (request) => source.subscribe(request),
});
const local = (name: string): DataSource => createLocalDataSource({ schema: schemaOf(subgraphs.find((each) => each.name === name) ?? clock), contextFor: () => ({}) });
const start = (connect = local): void => void (gateway = createGateway({ supergraph: composeAll(subgraphs), dataSources: (name) => handled(name, connect(name)), report: () => undefined }));

beforeEach(() => {
  log = createTestLog();
  [sent, handle] = [[], (_to, _request, answer) => answer()];
  start();
});
afterEach(() => gateway.dispose());

type Frame = { readonly data?: { readonly changed: { readonly n: number; readonly thing: unknown } }; readonly errors?: readonly { readonly message: string; readonly path?: readonly unknown[]; readonly extensions: { readonly code: string } }[] };
/** Frames as a client sees them; the stream is open and waits. */
const open = async (variables: Record<string, unknown> = {}, viewer: Viewer = viewerWith('read_events')) => {
  const frames = await gateway.subscribe({ query: live, variables, viewer, requestId: 'r1', signal: new AbortController().signal });
  if (!(Symbol.asyncIterator in frames)) throw new Error(JSON.stringify(frames));
  const next = async (): Promise<Frame> => JSON.parse(JSON.stringify((await frames.next()).value)) as Frame;
  return { next, take: async (count: number) => { const taken: Frame[] = []; while (taken.length < count) taken.push(await next()); return taken; } };
};
const change = (n: number, id: string | null): Change => ({ changed: { n, thing: id === null ? null : { id } } });
const publish = (...ids: (string | null)[]) => log.publish(...ids.map((id, index) => change(log.length + index + 1, id)));
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
/** The frames that follow when these change at once. */
const changed = async (...ids: (string | null)[]): Promise<Frame[]> => {
  const stream = await open();
  const first = stream.next();
  await log.waiting(1);
  publish(...ids);
  return [await first, ...(await stream.take(ids.length - 1))];
};
const full = (n: number, id: string): Frame => ({ data: { changed: { n, thing: { id, name: `Thing ${id}`, owner: { name: `Owner of ${id.at(-1)}` } } } } });

describe('changes of one tick', () => {
  test('ask each subgraph once, and are told in their order', async () => {
    const ids = upTo(20).map((n) => `t${n}`);
    expect(await changed(...ids)).toEqual(ids.map((id, index) => full(index + 1, id)));
    expect(sent).toEqual([{ to: 'things', ids }, { to: 'owners', ids: upTo(10).map((n) => `of ${n % 10}`) }]);
  });

  test('do so over HTTP, wherever the source is', async () => {
    const servers = new Map(await Promise.all(subgraphs.map(async (each) => [each.name, await serveSubgraph(schemaOf(each))] as const)));
    await gateway.dispose();
    const remote = (name: string) => createRemoteDataSource({ url: servers.get(name)?.url ?? '', signViewer: () => 'signed' });
    const ids = upTo(20).map((n) => `t${n}`);
    for (const [round, connect] of [(name: string) => (name === 'clock' ? local(name) : remote(name)), remote].entries()) {
      [sent, log] = [[], createTestLog()];
      start(connect);
      expect(await changed(...ids)).toEqual(ids.map((id, index) => full(index + 1, id)));
      expect(sent.map(({ to }) => to)).toEqual(['things', 'owners']);
      expect(['things', 'owners'].map((name) => servers.get(name)?.httpViewers.length)).toEqual([round + 1, round + 1]);
      await gateway.dispose();
    }
    for (const server of servers.values()) await server.close();
  });

  test('ask for an entity once, and share nothing of its answer', async () => {
    expect(await changed('a', 'b', 'a')).toEqual([full(1, 'a'), full(2, 'b'), full(3, 'a')]);
    expect(sent[0]).toEqual({ to: 'things', ids: ['a', 'b'] });
  });

  test('are those that came while the last were executed, too', async () => {
    let letGo = () => undefined as void;
    handle = (_to, _request, answer) => new Promise<void>((resolve) => (letGo = resolve)).then(answer);
    const stream = await open();
    const first = stream.next();
    await log.waiting(1);
    publish('a');
    await vi.waitFor(() => expect(sent).toHaveLength(1), within);
    publish('b', 'c');
    publish('d');
    handle = (_to, _request, answer) => answer();
    letGo();
    expect([await first, ...(await stream.take(3))].map(({ data }) => data?.changed.n)).toEqual([1, 2, 3, 4]);
    expect(sent.filter(({ to }) => to === 'things').map(({ ids }) => ids)).toEqual([['a'], ['b', 'c', 'd']]);
  });

  test('are no more than 100: however far behind a reader is, no more is held for it', async () => {
    publish(...upTo(250).map((n) => `t${n}`));
    const stream = await open({ after: 0 });
    expect((await stream.take(250)).map(({ data }) => data?.changed.n)).toEqual(upTo(250));
    expect(sent.filter(({ to }) => to === 'things').map(({ ids }) => ids.length)).toEqual([100, 100, 50]);
  });

  test('wait for none that asks for nothing', async () => {
    expect(await changed('a', null, 'missing', 'unowned', 'b')).toEqual([full(1, 'a'), { data: { changed: { n: 2, thing: null } } }, expect.objectContaining({ data: { changed: { n: 3, thing: { id: 'missing', name: null, owner: null } } } }), { data: { changed: { n: 4, thing: { id: 'unowned', name: 'Thing unowned', owner: null } } } }, full(5, 'b')]);
    expect(sent.map(({ to }) => to)).toEqual(['things', 'owners']);
  });

  test('share no request with other rights', async () => {
    const streams = [await open(), await open({}, viewerWith('read_events', 'read_orders'))];
    const frames = streams.map((each) => each.take(2));
    await log.waiting(2);
    publish('a', 'b');
    await Promise.all(frames);
    expect(sent.filter(({ to }) => to === 'things').map(({ ids }) => ids)).toEqual([['a', 'b'], ['a', 'b']]);
  });
});

describe('one that fails', () => {
  const codes = (frames: readonly Frame[]) => frames.map(({ errors = [] }) => errors.map(({ path, extensions }) => [path?.join('.'), extensions.code]));

  test('in one entity fails in its own frame, at its own place', async () => {
    const frames = await changed('a', 'nameless', 'b', 'nameless');
    expect([frames[0], frames[2]]).toEqual([full(1, 'a'), full(3, 'b')]);
    expect(codes(frames)).toEqual([[], [['changed.thing.name', 'INTERNAL_SERVER_ERROR']], [], [['changed.thing.name', 'INTERNAL_SERVER_ERROR']]]);
    expect(sent.filter(({ to }) => to === 'things')).toHaveLength(1);
  });

  test('and spoils the answer for all does so for itself alone: each asks again', async () => {
    const spoilt: ((request: SubgraphRequest) => ExecutionResult)[] = [
      () => ({ data: null, errors: [{ message: 'no entities', path: ['_entities'] }] }) as unknown as ExecutionResult,
      () => ({ data: { _entities: [] } }),
      (request) => ({ data: { _entities: idsIn(request).map((id) => ({ id })) }, errors: [{ message: 'of nobody knows which' }] }) as unknown as ExecutionResult,
      () => 'no answer' as unknown as ExecutionResult,
      () => {
        throw new Error('The test wants this request to fail.');
      },
    ];
    for (const spoil of spoilt) {
      handle = async (to, request, answer) => (to === 'things' && idsIn(request).includes('bad') ? spoil(request) : answer());
      [sent, log] = [[], createTestLog()];
      const frames = await changed('a', 'bad', 'b');
      expect([frames[0], frames[2]]).toEqual([full(1, 'a'), full(3, 'b')]);
      expect(frames[1]?.errors).toHaveLength(1);
      expect(sent.filter(({ to }) => to === 'things').map(({ ids }) => ids)).toEqual([['a', 'bad', 'b'], ['a'], ['bad'], ['b']]);
    }
  });

  test('as its subgraph does not answer is not asked for once more by each', async () => {
    for (const failure of [unreachable(new Error()), timedOut(1, 1), circuitOpen(1)]) {
      handle = (to, _request, answer) => (to === 'things' ? Promise.reject(failure) : answer());
      [sent, log] = [[], createTestLog()];
      expect(codes(await changed('a', 'b'))).toEqual([[['changed.thing', failure.code]], [['changed.thing', failure.code]]]);
      expect(sent).toHaveLength(1);
    }
  });
});

test('whatever changes together and whatever fails, each frame is what it would be alone', async () => {
  const kinds = ['plain', 'plain', 'plain', 'missing', 'nameless', 'unowned', 'refused', 'short', 'placeless', 'late'];
  const id = fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...kinds), fc.nat(3)).map(([kind, n]) => `${kind}${n}`) });
  handle = async (to, request, answer) => {
    const has = (kind: string) => to === 'things' && idsIn(request).some((each) => each.startsWith(kind));
    if (has('late')) await new Promise((resolve) => setTimeout(resolve, 2));
    if (has('refused') || idsIn(request).includes('of 3')) throw new Error('The test wants this request to fail.');
    const result = await answer();
    if (has('short')) return { data: { _entities: [null, ...((result.data?.['_entities'] ?? []) as unknown[])] } };
    return has('placeless') ? ({ ...result, errors: [...(result.errors ?? []), { message: 'of nobody knows which' }] } as unknown as ExecutionResult) : result;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(id, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean(), async (ticks, loud, isFollowed) => {
      const told = async (ticks: readonly (readonly (string | null)[])[]) => {
        log = createTestLog();
        const stream = await open({ loud });
        const total = ticks.flat().length;
        const frames = stream.take(total);
        for (const tick of ticks) {
          if (isFollowed) await log.waiting(1);
          publish(...tick);
        }
        return frames;
      };
      const together = await told(ticks);
      const alone: Frame[] = [];
      for (const [index, each] of ticks.flat().entries()) for (const frame of await told([[each]])) alone.push({ ...frame, ...(frame.data && { data: { changed: { ...frame.data.changed, n: index + 1 } } }) });
      expect(together).toEqual(alone);
    }),
    { numRuns: 60 },
  );
});
