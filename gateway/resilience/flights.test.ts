import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { unreachable } from './failures.ts';
import { type Shelf, createFlights } from './flights.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Text = { readonly text: string };
const setUp = () => {
  const sent: { resolve(text: string): void; reject(error: Error): void; signal: AbortSignal; endsAt: number }[] = [];
  let shared = 0;
  const flights = createFlights<Text, { answer: string }>({ unload: ({ text }) => ({ answer: text }), onShared: () => shared++ });
  const shelf: Shelf<Text> = new Map();
  const start = (signal: AbortSignal, endsAt: number) =>
    new Promise<Text>((resolve, reject) => {
      sent.push({ resolve: (text) => resolve({ text }), reject, signal, endsAt });
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  const caller = (text: string, limitMs = 1_000, timeoutMs = 30_000, scope = 1) => {
    const client = new AbortController();
    return { client, answer: flights.share(shelf, { scope, text }, { signal: client.signal, limitMs, timeoutMs }, start) };
  };
  return { flights, shelf, sent, caller, start, shared: () => shared };
};
const left = ({ flights, shelf }: Pick<ReturnType<typeof setUp>, 'flights' | 'shelf'>) => ({ flights: flights.size, shelved: shelf.size, timers: vi.getTimerCount() });
const nothing = { flights: 0, shelved: 0, timers: 0 };
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('identical fetches under way', () => {
  test('are one request, and each caller gets an answer of its own', async () => {
    const set = setUp();
    const callers = [set.caller('k'), set.caller('k'), set.caller('k')];
    set.sent[0]?.resolve('text');
    const answers = await Promise.all(callers.map(({ answer }) => answer));
    expect([set.sent.length, set.shared(), answers]).toEqual([1, 2, [{ answer: 'text' }, { answer: 'text' }, { answer: 'text' }]]);
    expect(new Set(answers).size).toBe(3);
    await settle();
    expect(left(set)).toEqual(nothing);
  });
  test('fail together', async () => {
    const set = setUp();
    const callers = [set.caller('k'), set.caller('k')];
    set.sent[0]?.reject(unreachable(new Error()));
    for (const { answer } of callers) await expect(answer).rejects.toMatchObject({ code: 'SUBREQUEST_HTTP_ERROR' });
    await settle();
    expect(left(set)).toEqual(nothing);
  });
  test('others, and later ones, are requests of their own', async () => {
    const set = setUp();
    void set.caller('k');
    void set.caller('other');
    set.sent[0]?.resolve('text');
    await settle();
    void set.caller('k');
    expect(set.sent).toHaveLength(3);
  });
  test('that differ in one character, anywhere, or in who asks, are not shared', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 300 }), fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), fc.boolean(), (text, at, character, isOther) => {
        const set = setUp();
        const place = at % text.length;
        const changed = isOther ? text : text.slice(0, place) + character + text.slice(place + 1);
        for (const [each, scope] of [[text, 1], [changed, isOther ? 2 : 1], [text, 1]] as const) set.caller(each, 1_000, 1_000, scope).answer.catch(() => undefined);
        const isSame = !isOther && changed === text;
        // A third that is equal to the first may find its place taken by the second, and then asks for itself.
        expect(set.sent.length).toBeGreaterThanOrEqual(isSame ? 1 : 2);
        expect(set.shared()).toBe(3 - set.sent.length);
        expect(set.sent.length).toBeLessThanOrEqual(isSame ? 1 : 3);
      }),
    );
  });
  test('one that was begun before a change is not joined after it', () => {
    const set = setUp();
    void set.caller('k');
    set.flights.separate();
    void set.caller('k');
    void set.caller('k');
    expect(set.sent).toHaveLength(2);
  });
  test('one whose subgraph was told of much less time is not joined', () => {
    const set = setUp();
    void set.caller('k', 1_000);
    void set.caller('k', 1_100);
    expect(set.sent).toHaveLength(1);
    void set.caller('k', 1_200);
    expect(set.sent).toHaveLength(2);
    void set.caller('k', 1_200);
    expect(set.sent).toHaveLength(2);
  });
});

describe('a caller who goes', () => {
  test('leaves at once, and the request goes on for the others', async () => {
    const set = setUp();
    const [one, two] = [set.caller('k'), set.caller('k')];
    one.client.abort();
    await expect(one.answer).rejects.toMatchObject({ code: 'SUBREQUEST_CANCELLED' });
    expect(set.sent[0]?.signal.aborted).toBe(false);
    set.sent[0]?.resolve('text');
    expect(await two.answer).toEqual({ answer: 'text' });
  });
  test('as the last one ends the request, and nothing is left', async () => {
    const set = setUp();
    const callers = [set.caller('k'), set.caller('k')];
    for (const { client } of callers) client.abort();
    for (const { answer } of callers) await expect(answer).rejects.toMatchObject({ code: 'SUBREQUEST_CANCELLED' });
    expect(set.sent[0]?.signal.aborted).toBe(true);
    await settle();
    expect(left(set)).toEqual(nothing);
    void set.caller('k');
    expect(set.sent).toHaveLength(2);
  });
  test('before it began begins nothing', async () => {
    const set = setUp();
    const waiting = { signal: AbortSignal.abort(), limitMs: 1_000, timeoutMs: 1_000 };
    await expect(set.flights.share(set.shelf, { scope: 1, text: 'k' }, waiting, set.start)).rejects.toMatchObject({ code: 'SUBREQUEST_CANCELLED' });
    await expect(set.flights.alone(waiting, set.start)).rejects.toMatchObject({ code: 'SUBREQUEST_CANCELLED' });
    expect(set.sent).toHaveLength(0);
  });
});

describe('the time of a caller', () => {
  test('ends its waiting, and the request with that of the last', async () => {
    const set = setUp();
    const [short, long] = [set.caller('k', 2_000, 2_000), set.caller('k', 2_200, 2_200)];
    const ended = [short.answer, long.answer].map((answer) => answer.catch((error: unknown) => error));
    expect(set.sent[0]?.endsAt).toBe(Date.now() + 2_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await ended[0]).toMatchObject({ code: 'SUBREQUEST_TIMEOUT', facts: { timeoutMs: 2_000 } });
    expect(set.sent[0]?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(set.sent[0]?.signal.reason).toMatchObject({ code: 'SUBREQUEST_TIMEOUT', verdict: 'ill' });
    expect(left(set)).toEqual(nothing);
  });
  test('that was up before it asked asks nobody', async () => {
    const set = setUp();
    await expect(set.caller('k', 0).answer).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT' });
    expect([set.sent.length, left(set)]).toEqual([0, nothing]);
  });
});
