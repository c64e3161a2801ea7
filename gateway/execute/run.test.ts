import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startRun } from '../testing/executions.ts';
import { at, entities, parallel, planFrom, root, sequence } from '../testing/plans.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Answers belong to the run: it writes into them. */
const thing = () => ({ __typename: 'T', id: '1' });
const names = ({ asked }: Pick<ReturnType<typeof startRun>, 'asked'>): string[] => asked.map(({ subgraph }) => subgraph);
const aT = root('a', 't { __typename id }');
const ofT = (subgraph: string, field: string) => at('t', entities(subgraph, 'T', field));

describe('a fetch starts', () => {
  test('at once when it needs nothing', () => expect(names(startRun(planFrom(parallel(root('a', 'x'), root('b', 'y')))))).toEqual(['a', 'b']));

  test('when what it needs has ended, not before', async () => {
    const started = startRun(planFrom(sequence(aT, parallel(ofT('b', 'x'), ofT('c', 'y')), ofT('d', 'z'))));
    expect(names(started)).toEqual(['a']);
    await started.answer('a', { t: thing() });
    expect(names(started)).toEqual(['a', 'b', 'c']);
    await started.answer('c', { _entities: [{ y: 1 }] });
    expect(names(started)).toEqual(['a', 'b', 'c']);
    await started.answer('b', { _entities: [{ x: 1 }] });
    expect(names(started)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('without waiting for what it does not need', async () => {
    const started = startRun(planFrom(parallel(sequence(aT, ofT('b', 'x')), root('slow', 'y'))));
    await started.answer('a', { t: thing() });
    expect(names(started)).toEqual(['a', 'slow', 'b']);
  });

  test('also when what it needs has failed: nobody is asked where there is nothing to ask for', async () => {
    const started = startRun(planFrom(sequence(aT, ofT('b', 'x'))));
    await started.fail('a');
    await started.run.block(0);
    expect(names(started)).toEqual(['a']);
    expect(started.execution.errors).toHaveLength(1);
  });
});

describe('the run ends', () => {
  test('when every fetch has ended', async () => {
    const started = startRun(planFrom(parallel(root('a', 'x'), root('b', 'y'))));
    let isOver = false;
    void started.run.block(0).then(() => (isOver = true));
    await started.answer('a', { x: 1 });
    expect(isOver).toBe(false);
    await started.answer('b', { y: 2 });
    expect(isOver).toBe(true);
    expect(started.execution.data).toEqual({ x: 1, y: 2 });
  });

  test('at once when there is nothing to fetch', async () => expect(await startRun(planFrom(undefined)).run.block(0)).toBeUndefined());

  test('for each part of the answer on its own', async () => {
    const started = startRun(planFrom({ kind: 'Defer', primary: { subselection: '', node: { ...aT, id: '0' } }, deferred: [{ depends: [{ id: '0' }], label: 'l', queryPath: [], subselection: undefined, node: ofT('b', 'x') }] }));
    await started.answer('a', { t: thing() });
    await started.run.block(0);
    expect(names(started)).toEqual(['a', 'b']);
    await started.answer('b', { _entities: [{ x: 1 }] });
    await started.run.block(1);
    expect(started.execution.data).toEqual({ t: { ...thing(), x: 1 } });
  });
});

/** `b` is needed behind `a` and behind `slow`. */
const start = (more?: Parameters<typeof startRun>[1]) => {
  const behind = (subgraph: string, name: string) => sequence(root(subgraph, `${name} { __typename id }`), at(name, entities('b', 'T', 'x')));
  return startRun(planFrom(parallel(behind('a', 't'), behind('slow', 'u'))), more);
};

describe('fetches of one batch', () => {
  test('are one request when they are ready together', async () => {
    const started = start();
    await started.answer('a', { t: thing() });
    await started.answer('slow', { u: thing() });
    expect(names(started)).toEqual(['a', 'slow', 'b']);
    expect(started.asked[2]?.request.variables.values).toEqual({ representations: [thing()] });
    await started.answer('b', { _entities: [{ x: 1 }] });
    expect(started.execution.data).toEqual({ t: { ...thing(), x: 1 }, u: { ...thing(), x: 1 } });
  });

  test('wait for each other no longer than four times what the request took so far, where nothing waits for them', async () => {
    const started = start();
    vi.advanceTimersByTime(20);
    await started.answer('a', { t: thing() });
    vi.advanceTimersByTime(79);
    expect(names(started)).toEqual(['a', 'slow']);
    vi.advanceTimersByTime(1);
    expect(names(started)).toEqual(['a', 'slow', 'b']);
    await started.answer('slow', { u: { ...thing(), id: '2' } });
    expect(names(started)).toEqual(['a', 'slow', 'b', 'b']);
  });

  test('wait as long as the request took so far, where another fetch waits for them', async () => {
    const behind = (subgraph: string, name: string) => sequence(root(subgraph, `${name} { __typename id }`), at(name, entities('b', 'T', 'x')), at(name, entities('c', 'T', 'y')));
    const started = startRun(planFrom(parallel(behind('a', 't'), behind('slow', 'u'))));
    vi.advanceTimersByTime(20);
    await started.answer('a', { t: thing() });
    vi.advanceTimersByTime(19);
    expect(names(started)).not.toContain('b');
    vi.advanceTimersByTime(1);
    expect(names(started)).toContain('b');
  });

  test('wait no longer than the one among them that can wait least', async () => {
    const behind = (subgraph: string, name: string) => sequence(root(subgraph, `${name} { __typename id }`), at(name, entities('b', 'T', 'x')));
    const started = startRun(planFrom(parallel(behind('a', 't'), sequence(root('other', 'v { __typename id }'), at('v', entities('b', 'T', 'x')), at('v', entities('c', 'T', 'y'))), behind('slow', 'u'))));
    vi.advanceTimersByTime(100);
    await started.answer('a', { t: thing() });
    vi.advanceTimersByTime(10);
    await started.answer('other', { v: thing() });
    vi.advanceTimersByTime(109);
    expect(names(started)).not.toContain('b');
    vi.advanceTimersByTime(1);
    expect(names(started)).toContain('b');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('wait some milliseconds at least', async () => {
    const started = start();
    await started.answer('a', { t: thing() });
    vi.advanceTimersByTime(4);
    expect(names(started)).not.toContain('b');
    vi.advanceTimersByTime(1);
    expect(names(started)).toContain('b');
  });

  test('what is ready together is sent together: no timer is left', async () => {
    const started = start();
    await started.answer('a', { t: thing() });
    expect(vi.getTimerCount()).toBe(1);
    await started.answer('slow', { u: thing() });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('when nobody waits any more', () => {
  test('nothing is held back, and nothing is left', async () => {
    const client = new AbortController();
    const started = start({ signal: client.signal });
    await started.answer('a', { t: thing() });
    client.abort();
    await started.fail('slow');
    expect(vi.getTimerCount()).toBe(0);
    await started.fail('b');
    expect(await started.run.block(0)).toBeUndefined();
  });

  test('what was to wait is sent at once, to end at once', async () => {
    const client = new AbortController();
    const started = start({ signal: client.signal });
    client.abort();
    await started.answer('a', { t: thing() });
    expect(names(started)).toEqual(['a', 'slow', 'b']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
