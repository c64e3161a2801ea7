/** What a newcomer sees: the demo of `npm start`, as the README tells it, started twice on one data folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { readConfig } from '#core/config.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { type HubProcess, startHub } from '../hub/hub.ts';
import { ask, makeDataDir } from './hub-process.ts';

type Edges<T> = { readonly edges: readonly { readonly node: T }[] };
type Service = { readonly name: string; readonly product: string; readonly health: string; readonly lastSync: { readonly finished: string; readonly error: unknown } | null; readonly rejected: { readonly totalCount: number } };
type Demo = { readonly eventServices: Edges<Service>; readonly bookings: Edges<{ readonly id: string; readonly state: string; readonly tickets: readonly unknown[] }> };
type Event = { readonly name: string; readonly service: { readonly product: string }; readonly gates?: readonly { readonly name: string }[]; readonly availability?: readonly { readonly category: string }[] };
type Events = { readonly events: { readonly totalCount: number } & Edges<Event> };

const nodes = <T>({ edges }: Edges<T>): T[] => edges.map(({ node }) => node);
const demoQuery = '{ eventServices(first: 50) { edges { node { name product health lastSync { finished error { code } } rejected(first: 1) { totalCount } } } } bookings(first: 10) { edges { node { id state tickets { id } } } } }';

/** The README's first query, and the answer that it shows. */
const readSample = async (): Promise<{ query: string; shown: Events }> => {
  const [, query = '', answer = ''] = /```graphql\n(.+?)```\s+```json\n(.+?)```/s.exec(await readFile(join(import.meta.dirname, '../README.md'), 'utf8')) ?? [];
  return { query, shown: (JSON.parse(answer) as { data: Events }).data };
};

/** What does not change as people come and go. */
const lasting = ({ name, service, gates, availability }: Event) => ({ name, product: service.product, gates: gates?.map((each) => each.name), categories: availability?.map(({ category }) => category) });

test('the demo has every product, a booking and what the README shows; started again it goes on with the same, all of it healthy and nothing rejected', async () => {
  await using database = await cloneDatabase();
  await using folder = await makeDataDir();
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'true' });
  const start = () => startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null });
  const look = async (hub: HubProcess): Promise<Demo> => (await ask<Demo>(hub.url, hub.adminKey, demoQuery)).data;

  const first = await start();
  const before = await look(first);
  await first[Symbol.asyncDispose]();
  expect(new Set(nodes(before.eventServices).map(({ product }) => product))).toEqual(new Set(['custom', 'eventbrite', 'gatekeeper', 'pretix', 'ticketing']));
  expect(nodes(before.bookings)).toMatchObject([{ tickets: [{}, {}] }]);

  await using again = await start();
  const startedAt = new Date().toISOString();
  const after = await vi.waitFor(async () => {
    const demo = await look(again);
    expect(nodes(demo.eventServices).filter(({ health, lastSync }) => health !== 'HEALTHY' || (lastSync?.finished ?? '') < startedAt)).toEqual([]);
    expect(nodes(demo.bookings)).toMatchObject([{ state: 'CONFIRMED' }]);
    return demo;
  }, { timeout: 90_000, interval: 250 });
  expect(nodes(after.eventServices).filter(({ rejected, lastSync }) => rejected.totalCount > 0 || lastSync?.error)).toEqual([]);
  expect(nodes(after.eventServices).map(({ name }) => name)).toEqual(nodes(before.eventServices).map(({ name }) => name));
  expect(nodes(after.bookings).map(({ id }) => id)).toEqual(nodes(before.bookings).map(({ id }) => id));

  const { query, shown } = await readSample();
  expect((await ask(again.url, again.adminKey, query)).errors).toBeUndefined();
  const { events } = (await ask<Events>(again.url, again.adminKey, query.replace(/\(first: .+? }\)/, '(first: 50)'))).data;
  expect(nodes(events).map(lasting)).toEqual(expect.arrayContaining(nodes(shown.events).map(lasting)));
}, 240_000);
