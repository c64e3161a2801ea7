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
import { answerQuestions, sharedNow } from './processes.ts';

export type ServerQuestions = typeof questions;

const logger = createLogger('warn');
const dataDir = await mkdtemp(join(tmpdir(), 'eventgraph-live-'));
process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
const upstream = await startPushingUpstream();
const config = readConfig({ PORT: '0', DATABASE_URL: process.argv[2] ?? '', EVENTGRAPH_DATA_DIR: dataDir, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' });
const hub = await startHub({ config, role: { kind: 'all' }, logger, explorer: null });
const registered = await registerGates({ url: hub.url, adminKey: hub.adminKey ?? '' }, upstream, 'bench', 86_400);
if (!registered.service) throw new Error(JSON.stringify(registered.userErrors));

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

const questions = {
  url: () => `${url.replace('http', 'ws')}/graphql`,
  liveGroups: () => gateway.liveGroups(),
  /** Commits one change, and answers when that was. */
  async change(n: number): Promise<number> {
    const payload = { totalRegistered: 500, currentAttendees: n, gateActivity: [], updatedAt: new Date().toISOString() };
    const [event] = await parts.database.em().transactional((em) => appendEvents(em, null, [{ type: 'attendance.changed', eventId: 'bench', occurredAt: new Date(), payload }]));
    const committed = sharedNow();
    parts.bus.publish('events.appended', { cursor: event?.cursor ?? '' });
    return committed;
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
