/**
 * Replays a file of badge scans through the gate simulator into a running hub, and compares.
 *
 *   npm run replay -- FILE [--speed 3600] [--prefix sbrc-2019] [--zone America/Sao_Paulo]
 *                          [--hub http://127.0.0.1:4000] [--key IPK_…]
 *
 * Every session becomes an event of its own, `<prefix>-<session>`. `--speed` is seconds of the file per second. The
 * key must be allowed to manage services; unless given it is EVENTGRAPH_KEY or the admin key of a hub on this machine.
 * At the end every session's totals in the graph are compared with a count over the file; exit code 1 if any differs.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ConfigError, isPublicError } from '#core/errors.ts';
import { type GatekeeperSimulator, createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { type HubClient, createHubClient } from './replay/hub-client.ts';
import { type SessionCount, countSessions, parseScans } from './replay/scan-file.ts';
import { type SessionPlan, planSessions } from './replay/session-plans.ts';

/** How long the hub may take, after the last scan, to show it. */
const patienceMs = 60_000;

export type Comparison = { readonly eventId: string; readonly session: string; readonly file: SessionCount; readonly graph: SessionCount | undefined };

export const same = ({ file, graph }: Comparison): boolean => graph !== undefined && graph.checkIns === file.checkIns && graph.attendees === file.attendees;

export type ReplayOptions = { readonly text: string; readonly zone: string; readonly prefix: string; readonly speed: number; readonly hub: HubClient; readonly say: (line: string) => void };

/** Plays the whole file and answers what the file and the graph have to say of each session. */
export const replay = async ({ text, zone, prefix, speed, hub, say }: ReplayOptions): Promise<Comparison[]> => {
  const scans = parseScans(text, zone);
  const counts = countSessions(scans);
  const plans = planSessions(scans, prefix, zone);
  const moments = plans.flatMap(({ changes }) => changes.map(({ at }) => at));
  if (moments.length === 0) throw new ConfigError('Nobody joins anything in this file: there is nothing to replay.');
  const begin = moments.reduce((first, at) => Math.min(first, at));
  const end = moments.reduce((last, at) => Math.max(last, at));
  await using simulator = await createGatekeeperSimulator({ plans, seed: prefix, clock: { speed, stamps: 'scenario', scenarioStart: begin } });
  say(`${plans.length} sessions, ${[...counts.values()].reduce((sum, { checkIns }) => sum + checkIns, 0)} check-ins, over in ${Math.ceil((end - begin) / speed / 1000)} s.`);
  for (const { eventId, eventName } of plans) await hub.register({ eventId, eventName, api: simulator.endpoint(eventId), apiKey: simulator.apiKey });
  say('All sessions are registered with the hub.');
  await played(simulator);
  return await compare(plans, counts, hub);
};

/** Waits until everything happened and was pushed. */
const played = async (simulator: GatekeeperSimulator): Promise<void> => {
  while (simulator.events.some((event) => event.nextAt() !== undefined)) await wait(100);
  await Promise.all(simulator.events.map(({ pusher }) => pusher.settled()));
};

const compare = async (plans: readonly SessionPlan[], counts: ReadonlyMap<string, SessionCount>, hub: HubClient): Promise<Comparison[]> => {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const comparisons: Comparison[] = [];
    for (const { session, eventId } of plans) comparisons.push({ session, eventId, file: counts.get(session) ?? { checkIns: 0, attendees: 0 }, graph: await hub.counts(eventId) });
    if (comparisons.every(same) || Date.now() > deadline) return comparisons;
    await wait(500);
  }
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { speed: { type: 'string', default: '3600' }, prefix: { type: 'string', default: 'sbrc-2019' }, zone: { type: 'string', default: 'America/Sao_Paulo' }, hub: { type: 'string', default: 'http://127.0.0.1:4000' }, key: { type: 'string' } },
  });
  const [file] = positionals;
  const speed = Number(values.speed);
  if (!file || !(speed > 0)) throw new ConfigError('usage: npm run replay -- FILE [--speed N] [--prefix TEXT] [--zone ZONE] [--hub URL] [--key KEY]');
  const keyFile = join(process.env.EVENTGRAPH_DATA_DIR ?? '.eventgraph', 'admin-key');
  const key = values.key ?? process.env.EVENTGRAPH_KEY ?? (await readFile(keyFile, 'utf8').catch(() => undefined))?.trim();
  if (!key) throw new ConfigError(`A key is needed: --key, EVENTGRAPH_KEY or the file ${keyFile}.`, { variable: 'EVENTGRAPH_KEY' });
  const text = await readFile(file, 'utf8').catch(() => {
    throw new ConfigError(`The file ${file} cannot be read.`);
  });
  const comparisons = await replay({ text, zone: values.zone, prefix: values.prefix, speed, hub: createHubClient(values.hub, key), say: console.log });
  const show = (count: SessionCount | undefined) => (count ? `${count.checkIns} check-ins, ${count.attendees} attendees` : 'nothing');
  for (const each of comparisons) console.log(`${same(each) ? 'same' : 'DIFFERENT'}  ${each.eventId}: file ${show(each.file)}; graph ${show(each.graph)}`);
  const different = comparisons.filter((each) => !same(each)).length;
  console.log(different === 0 ? `All ${comparisons.length} sessions are in the graph as in the file.` : `${different} of ${comparisons.length} sessions differ.`);
  if (different > 0) process.exitCode = 1;
};

if (import.meta.main)
  await main().catch((error: unknown) => {
    if (!isPublicError(error)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  });
