/** Subscribers that share a source: who joins, who falls behind, who leaves, and what a reload does to them. */
import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Answer } from '../answer.ts';
import { type Reading, readInto } from './reader.ts';
import { type TestGateway, composeAll, startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { type TestLog, createTestLog } from '../testing/log.ts';

type Tick = { ticked: { n: number; thing: { id: string; name: string } } };
let log: TestLog<Tick>;
let started: TestGateway;
let executions: number;
let conflate: boolean;
/** How many streams the resolver opened; those that continue are not among them. */
let subscribed: number;

const clock = (extra = '') =>
  subgraph('clock', `type Query { now: Int } type Subscription { ticked(from: String, after: Int): Tick! } type Tick { n: Int! thing: Thing! } type Thing @key(fields: "id") { id: ID! ${extra} }`, {
    Subscription: { ticked: { subscribe: (_: unknown, { after }: { after?: number }) => (subscribed++, log.subscribe({ from: after ?? log.length, conflate })) } },
  });
const things = (name = 'name: String!') => subgraph('things', `type Query { things: [Thing!] } type Thing @key(fields: "id") { id: ID! ${name} }`, { Thing: { name: ({ id }: { id: string }) => (executions++, `Thing ${id}`) } });
const tick = (n: number): Tick => ({ ticked: { n, thing: { id: 't', name: 'Thing t' } } });
const live = 'subscription ($from: String, $after: Int) { ticked(from: $from, after: $after) { n thing { name } } }';

beforeEach(() => {
  [log, executions, conflate, subscribed] = [createTestLog(), 0, false, 0];
  started = startGateway([clock(), things()]);
});

type Taken = { readonly answers: Answer[]; readonly numbers: number[]; readonly codes: unknown[]; isEnded: boolean; isBusy: boolean; isReadyNextTurn: boolean; readonly reading: Reading; readonly abort: AbortController };

/** A reader that is ready again at once, unless it is made busy. */
const read = async (variables: Record<string, unknown> = {}, query = live): Promise<Taken> => {
  const abort = new AbortController();
  const answers = await started.gateway.stream({ query, variables, viewer: viewerWith('read_events'), requestId: 'r1', signal: abort.signal });
  if (!(Symbol.asyncIterator in answers)) throw new Error(answers.text);
  const taken: Omit<Taken, 'reading'> = { answers: [], numbers: [], codes: [], isEnded: false, isBusy: false, isReadyNextTurn: false, abort };
  const reading = readInto(answers, {
    next(answer) {
      const { data, errors } = JSON.parse(answer.text) as { data?: { ticked: { n: number } }; errors?: { extensions: { code: string } }[] };
      taken.answers.push(answer);
      if (data) taken.numbers.push(data.ticked.n);
      if (errors) taken.codes.push(errors[0]?.extensions.code);
      if (taken.isReadyNextTurn) setImmediate(() => reading.ready());
      return !taken.isBusy && !taken.isReadyNextTurn;
    },
    end: () => (taken.isEnded = true),
  });
  reading.ready();
  return Object.assign(taken, { reading });
};
const settled = async (...readers: Taken[]) => expect.poll(() => readers.map(({ numbers }) => numbers.at(-1)), { interval: 2 }).toEqual(readers.map(() => log.length));
const publish = async (count: number, ...waitFor: Taken[]) => {
  log.publish(...Array.from({ length: count }, (_, index) => tick(log.length + index + 1)));
  await settled(...waitFor);
};
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('subscribers that stand at the same event', () => {
  test('read one source from then on, and are handed the same answer', async () => {
    const readers = await Promise.all(upTo(5).map(() => read()));
    expect(log.open).toBe(5);
    await publish(1, ...readers);
    await log.waiting(1);
    expect(log.open).toBe(1);
    await publish(1, ...readers);
    await publish(1, ...readers);
    for (const { numbers } of readers) expect(numbers).toEqual([1, 2, 3]);
    expect(new Set(readers.map(({ answers }) => answers.at(-1))).size).toBe(1);
    expect(executions).toBe(3);
  });

  test('wherever each of them began', async () => {
    await publish(3);
    const readers = [await read({ after: 0 }), await read({ after: 2 }), await read()];
    await settled(...readers.slice(0, 2));
    await publish(2, ...readers);
    expect(readers.map(({ numbers }) => numbers)).toEqual([upTo(5), upTo(5, 3), upTo(5, 4)]);
    await log.waiting(1);
    expect(log.open).toBe(1);
  });

  test('but not with other arguments', async () => {
    const readers = [await read({ from: 'a' }), await read({ from: 'b' })];
    await publish(2, ...readers);
    expect(log.open).toBe(2);
  });

  test('stay together for all changes of a tick, as each takes one in the turn after the last', async () => {
    const readers = await Promise.all(upTo(5).map(() => read()));
    await publish(1, ...readers);
    await log.waiting(1);
    for (const reader of readers) reader.isReadyNextTurn = true;
    const streams = new Set<number>();
    for (const { answers } of readers) vi.spyOn(answers, 'push').mockImplementation(() => streams.add(log.open).size);
    await publish(20, ...readers);
    expect([...streams]).toEqual([1]);
    for (const { numbers } of readers) expect(numbers).toEqual(upTo(21));
  });

  test('may leave: the others go on, and the source ends with the last', async () => {
    const [first, second] = [await read(), await read()];
    await publish(1, first, second);
    await log.waiting(1);
    first.reading.leave();
    expect(log.open).toBe(1);
    await publish(1, second);
    expect([first.numbers, second.numbers]).toEqual([[1], [1, 2]]);
    second.abort.abort();
    expect([log.open, started.gateway.liveGroups()]).toEqual([0, 0]);
  });
});

describe('a reader that is busy', () => {
  test('holds nobody back, holds no source, and goes on behind its last event', async () => {
    const [slow, quick] = [await read(), await read()];
    await publish(1, slow, quick);
    slow.isBusy = true;
    await publish(1, quick, slow);
    await publish(3, quick);
    await log.waiting(1);
    expect([log.open, slow.numbers]).toEqual([1, [1, 2]]);
    slow.isBusy = false;
    slow.reading.ready();
    await settled(slow);
    expect(slow.numbers).toEqual(upTo(5));
    await publish(1, slow, quick);
    await log.waiting(1);
    expect([log.open, subscribed]).toEqual([1, 2]);
  });

  test('gets the newest value where its source keeps nothing else', async () => {
    conflate = true;
    const [slow, quick] = [await read(), await read()];
    await publish(1, slow, quick);
    slow.isBusy = true;
    await publish(1, slow, quick);
    for (let n = 0; n < 5; n++) await publish(1, quick);
    slow.isBusy = false;
    slow.reading.ready();
    await settled(slow);
    expect([slow.numbers, quick.numbers]).toEqual([[1, 2, 7], upTo(7)]);
  });

  test('alone at its source gets the changes of a tick that were executed with the last, anew if that is long ago', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const reader = await read();
    reader.isBusy = true;
    log.publish(...upTo(4).map(tick));
    await expect.poll(() => reader.numbers).toEqual([1]);
    vi.advanceTimersByTime(1_000);
    reader.reading.ready();
    await expect.poll(() => reader.numbers).toEqual([1, 2]);
    expect(executions).toBe(1);
    vi.advanceTimersByTime(2_000);
    setBusy(reader, false);
    await settled(reader);
    expect([reader.numbers, executions]).toEqual([upTo(4), 2]);
  });

  test('may leave while it is behind', async () => {
    const [slow, quick] = [await read(), await read()];
    await publish(1, slow, quick);
    slow.isBusy = true;
    await publish(1, slow, quick);
    await publish(1, quick);
    slow.reading.leave();
    slow.reading.ready();
    quick.reading.leave();
    expect([log.open, started.gateway.liveGroups(), slow.isEnded]).toEqual([0, 0, true]);
  });
});

test('nobody misses an event or gets one twice, whoever comes, resumes, is busy or leaves', async () => {
  type Act = { readonly act: 'publish' | 'join' | 'resume' | 'busy' | 'ready' | 'leave' | 'wait'; readonly which: number };
  const acts: fc.Arbitrary<Act> = fc.record({ act: fc.constantFrom('publish', 'publish', 'publish', 'join', 'resume', 'busy', 'ready', 'leave', 'wait'), which: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 5, maxLength: 60 }), async (script) => {
      [log, executions] = [createTestLog(), 0];
      const readers: (Taken & { readonly begin: number })[] = [];
      for (const { act, which } of script) {
        const reader = readers[which % Math.max(1, readers.length)];
        if (act === 'publish') log.publish(...upTo(log.length + 1 + (which % 3), log.length + 1).map(tick));
        else if (act === 'join') readers.push(Object.assign(await read(), { begin: log.length }));
        else if (act === 'resume') readers.push(Object.assign(await read({ after: which % (log.length + 1) }), { begin: which % (log.length + 1) }));
        else if (act === 'wait') await new Promise(setImmediate);
        else if (!reader || reader.abort.signal.aborted) continue;
        else if (act === 'leave') reader.abort.abort();
        else setBusy(reader, act === 'busy');
      }
      const left = readers.filter(({ abort }) => !abort.signal.aborted);
      for (const reader of left) setBusy(reader, false);
      await publish(1, ...left);
      for (const { numbers, begin, abort } of readers) expect(numbers).toEqual(upTo(abort.signal.aborted ? begin + numbers.length : log.length, begin + 1));
      await log.waiting(left.length > 0 ? 1 : 0);
      expect(log.open).toBe(left.length > 0 ? 1 : 0);
      for (const { abort } of left) abort.abort();
      expect([log.open, started.gateway.liveGroups()]).toEqual([0, 0]);
    }),
    { numRuns: 150 },
  );
});

const setBusy = (reader: Taken, isBusy: boolean): void => {
  reader.isBusy = isBusy;
  if (!isBusy) reader.reading.ready();
};

describe('a reload that changes what is asked of the source', () => {
  const moved = [clock('name: String! @shareable'), things('name: String! @shareable')];

  test('goes on behind the last event, with no gap and no double', async () => {
    started = startGateway(moved, { supergraph: composeAll([clock(), things()]) });
    const [one, two] = [await read(), await read({ after: 0 })];
    await publish(2, one, two);
    two.isBusy = true;
    await publish(1, one, two);
    started.gateway.reload(composeAll(moved));
    await publish(2, one);
    two.isBusy = false;
    two.reading.ready();
    await settled(one, two);
    expect([one.numbers, two.numbers, subscribed]).toEqual([upTo(5), upTo(5), 2]);
    expect(started.gateway.liveGroups()).toBe(1);
  });

  test('or keeps it tells what of a tick was not told yet, and tells it once', async () => {
    for (const next of [moved, [clock(), things('name: String! more: Int')]]) {
      [log, executions] = [createTestLog(), 0];
      started = startGateway(next, { supergraph: composeAll([clock(), things()]) });
      const reader = await read();
      reader.isBusy = true;
      log.publish(...upTo(4).map(tick));
      await expect.poll(() => reader.numbers).toEqual([1]);
      started.gateway.reload(composeAll(next));
      setBusy(reader, false);
      await publish(1, reader);
      expect([reader.numbers, reader.codes]).toEqual([upTo(5), []]);
      expect(started.gateway.liveGroups()).toBe(1);
    }
  });
});
