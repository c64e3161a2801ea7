/** A simulated venue desk and a connector beside it, for tests. */
import type { Batch, ConnectorContext, Credentials } from '#core/connector.ts';
import { type Fact, factsOf } from '#core/facts.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import type { Authentication } from '#simulators/custom/authentication.ts';
import { createCustomSimulator } from '#simulators/custom/index.ts';
import type { Style } from '#simulators/custom/lists.ts';
import type { Signing } from '#simulators/custom/webhooks.ts';
import { type CustomSettings, settings } from './connector-settings.ts';
import { connector } from './connector.ts';

export const begin = Date.UTC(2024, 5, 1, 9);

/** How the venue desk is paged in each style, `size` records a page. */
export const pagings = (size: number): Record<Style, { readonly paging: object; readonly query?: object }> => ({
  whole: { paging: { style: 'none' } },
  page: { paging: { style: 'page', parameter: 'p', sizeParameter: 'n', size } },
  offset: { paging: { style: 'offset', parameter: 'skip', limitParameter: 'n', limit: size } },
  cursor: { paging: { style: 'cursor', parameter: 'after', next: 'more.token' }, query: { n: size } },
  link: { paging: { style: 'link' }, query: { n: size } },
});

const mappings = {
  happenings: '{"kind": "event", "eventId": $record[0], "name": $record[1], "start": $fromMillis($record[2] * 1000), "end": $fromMillis($record[3] * 1000), "timezone": $record[4], "venue": {"name": $record[5]}}',
  passes: '{"kind": "registration", "eventId": ref, "upstreamId": no, "participant": holder, "state": state = "ok" ? "CONFIRMED" : "CANCELLED", "at": changed}',
  scans: '{"kind": "checkIn", "eventId": ref, "upstreamId": n, "participant": $string(pass), "at": $fromMillis(t), "direction": dir = "in" ? "ENTRY" : "EXIT", "gateId": door}',
  doors: '{"kind": "gate", "eventId": ref, "upstreamId": id, "name": title, "status": open ? "OPEN" : "CLOSED"}',
};
const items = { happenings: 'table.rows', passes: '$each(passes, function($pass) { $pass })', scans: 'answer.scans', doors: '$' };

/** One list of the venue desk, as a resource. */
export const list = (name: keyof typeof mappings, style: Style = 'whole', size = 10, more: object = {}) => ({ name, path: `${style}/${name}`, ...pagings(size)[style], items: items[name], mapping: mappings[name], ...more });
export const everything = (style: Style = 'whole', size = 10) => [list('happenings', style, size), list('passes', style, size), list('scans', style, size), list('doors', style === 'cursor' ? 'whole' : style, size)];

export type DeskOptions = { readonly authentication?: Authentication; readonly credentials?: (url: string) => Credentials; readonly signing?: Signing; readonly wanted?: object; readonly dataSchema?: Record<string, unknown>; readonly webhook?: string | null };

export const start = async ({ authentication, credentials = () => ({ type: 'none' }), signing, wanted = {}, dataSchema, webhook = null }: DeskOptions = {}) => {
  const clock = { at: begin, now: () => clock.at };
  const desk = await createCustomSimulator({ clock, ...(authentication ? { authentication } : {}), ...(signing ? { signing } : {}) });
  const http = createUpstreamHttp({ allowPrivateAddresses: true, timeoutMs: 5_000, retries: 0, breaker: { failures: 1_000, halfOpenAfterMs: 1 } });
  const contextOf = (more: object = wanted): ConnectorContext<CustomSettings> => ({
    service: { serviceId: 's1', serviceName: 'Desk', endpoints: { api: desk.url, webhook, healthCheck: `${desk.url}/health` }, credentials: credentials(desk.url.replace(/\/v0$/, '')), settings: settings.parse({ resources: everything(), ...more }), pushSecret: 'the hub made this secret', pushSecrets: ['the hub made this secret'], dataSchema: dataSchema ?? null },
    http, httpFor: () => http, hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(clock.now()), signal: new AbortController().signal,
  });
  let cursor: unknown = null;
  const pull = async (context = contextOf()) => {
    const batches: Batch[] = [];
    for await (const batch of connector.pull(context, cursor)) {
      batches.push(batch);
      cursor = JSON.parse(JSON.stringify(batch.cursor));
    }
    return { batches, facts: batches.flatMap(({ facts }) => facts), rejected: batches.flatMap(({ rejected }) => rejected) };
  };
  return { desk, world: desk.world, clock, contextOf, pull, setCursor: (to: unknown) => void (cursor = to), cursor: () => cursor, [Symbol.asyncDispose]: async () => void (await Promise.all([http.close(), desk[Symbol.asyncDispose]()])) };
};

export const idsOf = (facts: readonly Fact[], kind: 'checkIn' | 'registration' | 'event' | 'gate') => factsOf(facts, kind).map(({ upstreamId }) => upstreamId);
