/**
 * The hub over a database, with a door of its own beside the public one: who asks there with the key `same` has the same
 * rights as everybody else with it, and who asks with `own-…` has rights of its own, so that nothing can be shared.
 */
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '#core/config.ts';
import { appendEvents } from '#core/event-log.ts';
import { createLogger } from '#core/logging.ts';
import { buildSubgraph } from '#core/subgraph.ts';
import type { Viewer } from '#core/viewer.ts';
import { createHttpServer } from '#gateway/doors/http.ts';
import { createGateway } from '#gateway/index.ts';
import { createLocalDataSource } from '#gateway/sources/local-data-source.ts';
import { registerGates } from '../../e2e/hub-process.ts';
import { startPushingUpstream } from '../../e2e/pushing-upstream.ts';
import { startHub } from '../../hub/hub.ts';
import { supergraphFile } from '../../hub/subgraphs.ts';
import { answerQuestions, sharedNow } from '../parts.ts';

export type ServerQuestions = typeof questions;

const logger = createLogger('warn');
const dataDir = await mkdtemp(join(tmpdir(), 'eventgraph-live-'));
process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
const upstream = await startPushingUpstream();
const config = readConfig({ PORT: '0', DATABASE_URL: process.argv[2] ?? '', EVENTGRAPH_DATA_DIR: dataDir, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' });
const hub = await startHub({ config, role: { kind: 'all' }, logger, explorer: null });
const register = async (eventId: string): Promise<void> => {
  const registered = await registerGates({ url: hub.url, adminKey: hub.adminKey ?? '' }, upstream, eventId, 86_400);
  if (!registered.service) throw new Error(JSON.stringify(registered.userErrors));
};
await register('bench');

const { hub: parts, subgraphs } = hub.foundation;
const sources = new Map(subgraphs.map((definition) => [definition.name, buildSubgraph(definition, parts)]));
const gateway = createGateway({
  supergraph: readFileSync(supergraphFile, 'utf8'),
  dataSources: (name) => {
    const subgraph = sources.get(name);
    if (!subgraph) throw new Error(`no subgraph ${name}`);
    return createLocalDataSource(subgraph);
  },
});
const viewerOf = (credential: string | null): Viewer => ({ kind: 'key', keyId: null, permissions: new Set(['read_events', 'read_attendance']), events: new Set(['bench', credential ?? '']) });
// Nobody is asked for again during the bench: what is measured is the delivery.
const door = await createHttpServer({ gateway, logger, identify: async (credential) => viewerOf(credential), recheckMs: 3_600_000 });
const url = await door.app.listen({ host: '127.0.0.1', port: 0 });

const attendanceOf = (n: number) => ({ totalRegistered: 500, currentAttendees: n, gateActivity: [], updatedAt: new Date().toISOString() });
/** Commits a change of each of these events, all at once. */
const commitChanges = async (n: number, ids: readonly string[]): Promise<{ readonly committed: number }> => {
  const changes = ids.map((eventId) => ({ type: 'attendance.changed' as const, eventId, occurredAt: new Date(), payload: attendanceOf(n) }));
  const written = await parts.database.em().transactional((em) => appendEvents(em, null, changes));
  const committed = sharedNow();
  parts.bus.publish('events.appended', { cursor: written.at(-1)?.cursor ?? '' });
  return { committed };
};

const requestsSent = (): number => [...gateway.counts.subgraphs.values()].reduce((sum, { outcomes }) => sum + [...outcomes.byWord.values()].reduce((one, other) => one + other, 0), 0);

const questions = {
  url: () => `${url.replace('http', 'ws')}/graphql`,
  liveGroups: () => gateway.liveGroups(),
  /** Commits one change, and answers when that was. */
  async change(n: number): Promise<number> {
    return (await commitChanges(n, ['bench'])).committed;
  },
  /** Requests to subgraphs for a change of each of so many events, told to one subscriber of all: at once, and one after the other. */
  async requestsFor(count: number): Promise<{ readonly together: number; readonly apart: number }> {
    const ids = Array.from({ length: count }, (_, index) => `tick-${index}`);
    for (const id of ids) await register(id);
    const viewer: Viewer = { kind: 'key', keyId: null, permissions: new Set(['read_events', 'read_attendance']), events: 'all' };
    const query = `subscription { attendanceChanged(eventIds: ${JSON.stringify(ids)}) { attendance { currentAttendees } event { id name status } } }`;
    const frames = await gateway.subscribe({ query, viewer, requestId: 'bench', signal: new AbortController().signal });
    if (!(Symbol.asyncIterator in frames)) throw new Error(JSON.stringify(frames));
    const take = async (wanted: number) => {
      for (let taken = 0; taken < wanted; taken++) {
        const { value } = await frames.next();
        if (value?.errors) throw new Error(JSON.stringify(value));
      }
    };
    await take(count); // the current values
    const requests = async (ticks: readonly (readonly string[])[]): Promise<number> => {
      const before = requestsSent();
      for (const tick of ticks) {
        const told = take(tick.length);
        await commitChanges(1, tick);
        await told;
      }
      return requestsSent() - before;
    };
    const counted = { together: await requests([ids]), apart: await requests(ids.map((id) => [id])) };
    await frames.return?.();
    return counted;
  },
  memory() {
    globalThis.gc?.();
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  },
  /** Milliseconds of processor time used so far, by every thread. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};
answerQuestions(questions);
