import { expect, test } from 'vitest';
import { ask, askUntil, makeDataDir, plainHub, registerGates, startHubProcess } from './hub-process.ts';
import { startPushingUpstream } from './pushing-upstream.ts';

const count = `{ event(id: "crash") { attendance { currentAttendees } checkIns { totalCount } } }`;
type Counted = { event: { attendance: { currentAttendees: number }; checkIns: { totalCount: number } } };

test('kill -9 at any moment loses nothing that was answered as accepted, and counts nothing twice', async () => {
  await using folder = await makeDataDir();
  await using upstream = await startPushingUpstream();
  const env = await plainHub(folder.path);
  let hub = await startHubProcess(env);
  expect((await registerGates(hub, upstream, 'crash')).userErrors).toEqual([]);

  const accepted = new Set<string>();
  const all: string[] = [];
  for (let round = 0; round < 3; round++) {
    // Eight senders push one badge after the other; the hub is killed in the middle of it.
    const killAfter = accepted.size + 60;
    let killed: Promise<unknown> | null = null;
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let turn = 0; killed === null; turn++) {
        const badge = `${round}-${sender}-${turn}`;
        all.push(badge);
        if ((await upstream.push('crash', [badge])) === 200) accepted.add(badge);
        if (accepted.size >= killAfter && killed === null) killed = hub.stop('SIGKILL');
      }
    });
    await Promise.all(senders);
    await killed;
    hub = await startHubProcess(env);
    const { data } = await ask<Counted>(hub.url, hub.adminKey, count);
    // What was written but not answered may be there too: the sender tries it again.
    expect(data.event.checkIns.totalCount).toBeGreaterThanOrEqual(accepted.size);
    expect(data.event.checkIns.totalCount).toBeLessThanOrEqual(all.length);
    expect(data.event.attendance.currentAttendees).toBe(data.event.checkIns.totalCount);
  }

  for (const badge of all) expect(await upstream.push('crash', [badge])).toBe(200);
  const { data } = await askUntil(() => ask<Counted>(hub.url, hub.adminKey, count), ({ data: { event } }) => event.checkIns.totalCount === all.length);
  expect(data.event.attendance.currentAttendees).toBe(all.length);
  await hub.stop('SIGTERM');
}, 600_000);
