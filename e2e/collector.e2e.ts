import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { freePort } from '#core/embedded-postgres.ts';
import { cloneDatabase } from '#core/testing.ts';
import { type HubEnvironment, type HubProcess, ask, askUntil, makeDataDir, startHubProcess } from './hub-process.ts';

/** Whether it was answered as taken; null when the hub is not there. */
const collect = (hub: HubProcess, id: string): Promise<boolean | null> =>
  fetch(`${hub.url}/api/collect`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': hub.adminKey }, body: JSON.stringify({ event_id: id, event: 'purchase', user_id: 'u', parameters: { order_id: id, currency: 'EUR', price: 1 } }) }).then(
    async (response) => ((await response.json()) as { is_success: boolean }).is_success,
    () => null,
  );
const stored = async (hub: HubProcess): Promise<number> => (await ask<{ activities: { totalCount: number } }>(hub.url, hub.adminKey, '{ activities(userId: "u") { totalCount } }')).data.activities.totalCount;

const openDatabase = async (stack: AsyncDisposableStack) => {
  const { url } = stack.use(await cloneDatabase());
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  stack.defer(() => client.end());
  const purchases = async (): Promise<string[]> => (await client.query<{ order: string }>(`select payload ->> 'orderId' as order from hub.domain_events where type = 'purchase.recorded' order by 1`)).rows.map(({ order }) => order);
  const folder = stack.use(await makeDataDir());
  const env: HubEnvironment = { DATABASE_URL: url, EVENTGRAPH_SECRET: randomBytes(32).toString('hex'), EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'false', PORT: String(await freePort()) };
  return { client, purchases, env };
};

test('what was answered as taken and not stored yet when the hub was killed is stored by the next one, once', async () => {
  await using stack = new AsyncDisposableStack();
  const { client, purchases, env } = await openDatabase(stack);
  const killed = await startHubProcess(env);
  // Nothing can be stored while this stands, so what is answered is answered before it is.
  await client.query('begin');
  await client.query('lock table activity.activities in share row exclusive mode');
  const ids = Array.from({ length: 20 }, (_, n) => `a${String(n).padStart(2, '0')}`);
  expect(await Promise.all(ids.map((id) => collect(killed, id)))).toEqual(ids.map(() => true));
  expect(await stored(killed)).toBe(0);
  await killed.stop('SIGKILL');
  await client.query('rollback');

  await using hub = await startHubProcess(env);
  await askUntil(() => stored(hub), (count) => count === ids.length);
  expect(await purchases()).toEqual(ids);
  // Again, all of them: after the one that is new, nothing else is.
  for (const id of [...ids, 'b']) expect(await collect(hub, id)).toBe(true);
  await askUntil(() => stored(hub), (count) => count === ids.length + 1);
  expect(await purchases()).toEqual([...ids, 'b']);
}, 600_000);

test('kill -9 at any moment loses nothing that was answered as taken, and stores nothing twice', async () => {
  await using stack = new AsyncDisposableStack();
  const { purchases, env } = await openDatabase(stack);
  let hub = await startHubProcess(env);
  const taken = new Set<string>();
  const sent: string[] = [];
  for (let round = 0; round < 3; round++) {
    const killAfter = taken.size + 80;
    let killed: Promise<unknown> | null = null;
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let turn = 0; killed === null; turn++) {
        const id = `${round}-${sender}-${turn}`;
        sent.push(id);
        if ((await collect(hub, id)) === true) taken.add(id);
        if (taken.size >= killAfter && killed === null) killed = hub.stop('SIGKILL');
      }
    });
    await Promise.all(senders);
    await killed;
    hub = await startHubProcess(env);
  }
  // What was written and not answered may be there too.
  await askUntil(() => purchases(), (orders) => [...taken].every((id) => orders.includes(id)));
  for (const id of sent) expect(await collect(hub, id)).toBe(true);
  await askUntil(() => stored(hub), (count) => count === sent.length);
  expect(await purchases()).toEqual(sent.toSorted());
  await hub.stop('SIGTERM');
}, 600_000);
