import { beforeEach, describe, expect, test } from 'vitest';
import { type Circuit, createCircuit } from './circuit.ts';
import { cancelled, malformed, refusedWith, timedOut, tooLarge, unreachable } from './failures.ts';
import type { CircuitState } from './observe.ts';

let now = 0;
let changes: CircuitState[] = [];
let circuit: Circuit;
beforeEach(() => {
  now = 0;
  changes = [];
  circuit = createCircuit({ failures: 3, ratio: 0.5, window: 20, openMs: 2_000, now: () => now, onChange: (state) => void changes.push(state) });
});
const answer = () => circuit.run(async () => 'answer');
const fail = (error: Error = unreachable(new Error())) => circuit.run(() => Promise.reject(error)).catch(() => undefined);
const times = async (count: number, call: () => Promise<unknown>) => {
  for (let index = 0; index < count; index++) await call();
};
const refusal = { code: 'SUBREQUEST_CIRCUIT_OPEN' };

describe('a circuit opens', () => {
  test('after failures in a row', async () => {
    await times(2, fail);
    expect(circuit.state).toBe('closed');
    await fail();
    expect(circuit.state).toBe('open');
  });
  test('not where an answer is among them', async () => {
    await times(2, fail);
    await answer();
    await times(2, fail);
    expect(circuit.state).toBe('closed');
  });
  test('when more than the share of the last answers were failures, though never so many in a row', async () => {
    await times(3, async () => {
      await times(2, fail);
      await answer();
    });
    expect(circuit.state).toBe('closed');
    await fail();
    expect(circuit.state).toBe('open');
  });
  test.each([
    ['time was up', timedOut(30_000, 30_000)],
    ['the connection failed', unreachable(new Error())],
    ['500', refusedWith(500)],
    ['what was answered is no GraphQL response', malformed('a page', 200)],
  ])('because %s', async (_, error) => {
    await times(3, () => fail(error));
    expect(circuit.state).toBe('open');
  });
  test.each([
    ['the client went away', cancelled()],
    ['the client had too little time', timedOut(50, 30_000)],
    ['a client asked for too much', tooLarge(1)],
    ['a 4xx is our own mistake', refusedWith(404)],
    ['the viewer could not be signed', new Error('no key')],
  ])('never because %s', async (_, error) => {
    await times(30, () => fail(error));
    expect(circuit.state).toBe('closed');
  });
});

describe('an open circuit', () => {
  beforeEach(() => times(3, fail));

  test('fails at once, without asking, and says when to come again', async () => {
    let asked = 0;
    now = 500;
    await expect(circuit.run(async () => asked++)).rejects.toMatchObject({ ...refusal, facts: { retryAfter: 2 } });
    expect(() => circuit.check()).toThrow(expect.objectContaining(refusal));
    expect(asked).toBe(0);
  });
  test('lets one probe through after a while, and nobody beside it', async () => {
    now = 2_000;
    const probe = Promise.withResolvers<string>();
    const probed = circuit.run(() => probe.promise);
    expect(circuit.state).toBe('half-open');
    await expect(answer()).rejects.toMatchObject(refusal);
    probe.resolve('well');
    expect(await probed).toBe('well');
    expect(await answer()).toBe('answer');
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });
  test('closes with an empty record', async () => {
    now = 2_000;
    await answer();
    await times(2, fail);
    expect(circuit.state).toBe('closed');
  });
  test('opens anew when the probe fails', async () => {
    now = 2_000;
    await fail();
    expect(circuit.state).toBe('open');
    now = 3_999;
    await expect(answer()).rejects.toMatchObject(refusal);
    now = 4_000;
    expect(await answer()).toBe('answer');
  });
  test('makes the next fetch the probe when the client of the first went away', async () => {
    now = 2_000;
    await fail(cancelled());
    expect(circuit.state).toBe('open');
    expect(await answer()).toBe('answer');
    expect(circuit.state).toBe('closed');
  });
});

test('what was sent before the circuit opened says nothing after it closed', async () => {
  const old = Promise.withResolvers<never>();
  const late = [1, 2, 3].map(() => circuit.run(() => old.promise).catch(() => undefined));
  await times(3, fail);
  now = 2_000;
  await answer();
  old.reject(unreachable(new Error()));
  await Promise.all(late);
  expect(circuit.state).toBe('closed');
});
