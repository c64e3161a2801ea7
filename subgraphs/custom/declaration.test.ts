import { describe, expect, test } from 'vitest';
import { declaration, declaredSigning } from '#simulators/custom/declaration.ts';
import { playEvening } from '#simulators/custom/evening.ts';
import { createManualClock, createScenarioClock } from '#simulators/gatekeeper/clock.ts';
import { connector } from './connector.ts';
import { begin, idsOf, start } from './test-connector.ts';

const signing = declaredSigning;

describe('the declaration of the venue desk', () => {
  test('takes in a whole evening: what was sold, taken back and scanned, each once, and nothing rejected', async () => {
    await using it = await start({ wanted: declaration, signing });
    const wall = createManualClock(begin);
    const schedule = (at: number, callback: () => void) => wall.schedule(at, () => ((it.clock.at = Math.max(it.clock.at, at)), callback()));
    let scans = 0;
    playEvening(it.world, createScenarioClock({ speed: 60, stamps: 'wall', wall: { now: wall.now, schedule } }), 1, () => void (scans += 1));
    wall.advance(10 * 60_000);
    expect(scans).toBe(it.world.scans.length);
    const { facts, rejected } = await it.pull();
    expect(rejected).toEqual([]);
    expect(idsOf(facts, 'event')).toEqual(['poetry', 'chess']);
    expect(idsOf(facts, 'gate')).toEqual(['poetry/north', 'chess/north']);
    expect(idsOf(facts, 'registration')).toEqual(it.world.passes.map(({ ref, no }) => `${ref}/${no}`));
    expect(idsOf(facts, 'checkIn')).toEqual(it.world.scans.map(({ ref, n }) => `${ref}/${n}`));
    expect(new Set(it.world.scans.map(({ dir }) => dir))).toEqual(new Set(['in', 'out']));
    expect(facts.filter((fact) => fact.kind === 'registration' && fact.state === 'CANCELLED')).toHaveLength(it.world.passes.filter(({ state }) => state === 'void').length);
  });

  test('verifies what the desk pushes, and takes in the scan', async () => {
    await using it = await start({ wanted: declaration, signing });
    it.world.addHappening({ ref: 'poetry' });
    it.world.scan(it.world.sell('poetry', 'somebody'));
    const { headers, body } = it.desk.sign(JSON.stringify({ answer: { scans: it.world.scans } }), 'the hub made this secret');
    const result = await connector.receive?.(it.contextOf(), { headers, body: Buffer.from(body), query: {} });
    expect(result).toMatchObject({ kind: 'facts', facts: [{ kind: 'checkIn', eventId: 'desk-poetry', upstreamId: 'poetry/1' }], rejected: [] });
  });
});
