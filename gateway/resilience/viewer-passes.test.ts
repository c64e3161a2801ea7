import { describe, expect, test } from 'vitest';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { createViewerPasses } from './viewer-passes.ts';

const viewer = (change: Partial<Viewer> = {}): Viewer => ({ kind: 'key', keyId: 'k1', permissions: new Set(['read_events']), events: new Set(['e1']), ...change });
const setUp = (sign?: (viewer: Viewer) => Promise<string> | string) => {
  const clock = { now: 0 };
  let signed = 0;
  const passOf = createViewerPasses(sign ?? (async () => `signature ${++signed}`), () => clock.now);
  return { clock, passOf };
};

describe('a signature', () => {
  test('is made once for equal viewers, and is text as soon as it is there', async () => {
    const { passOf } = setUp();
    const [first, second] = await Promise.all([passOf(viewer()).signature(), passOf(viewer()).signature()]);
    expect([first, second, passOf(viewer()).signature()]).toEqual(['signature 1', 'signature 1', 'signature 1']);
  });
  test('is kept for a third of the minute that it is good for', async () => {
    const { passOf, clock } = setUp();
    const pass = passOf(viewer());
    await pass.signature();
    clock.now = 19_999;
    expect(await pass.signature()).toBe('signature 1');
    clock.now = 20_000;
    expect(await pass.signature()).toBe('signature 2');
  });
  test.each(['rejects', 'throws'])('that could not be made is asked for again: signing %s', async (how) => {
    let tries = 0;
    const fail = () => {
      if (how === 'throws') throw new Error('no key');
      return Promise.reject(new Error('no key'));
    };
    const { passOf } = setUp(() => (++tries === 1 ? fail() : 'signature'));
    await expect((async () => passOf(viewer()).signature())()).rejects.toThrow('no key');
    expect(await passOf(viewer()).signature()).toBe('signature');
  });
});

test('whatever subgraphs are told of a viewer keeps it apart from others', () => {
  const { passOf } = setUp();
  const ids = [viewer(), viewer({ keyId: 'k2' }), viewer({ kind: 'hub' }), viewer({ permissions: new Set(['admin']) }), viewer({ events: 'all' }), viewer({ events: new Set(['e2']) }), viewer({ scopes: new Set(['s']) }), viewer({ policies: new Set(['s']) }), publicViewer].map((each) => passOf(each).id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(passOf(viewer()).id).toBe(ids[0]);
});
