import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fact as factSchema, factsOf } from '#core/facts.ts';
import { styles } from '#simulators/custom/lists.ts';
import { connector } from './connector.ts';
import { everything, idsOf, list, start } from './test-connector.ts';

/** Two happenings, their passes and some scans. */
const fill = ({ world, clock }: Awaited<ReturnType<typeof start>>, passes = 12) => {
  for (const ref of ['fair', 'gala']) world.addHappening({ ref });
  for (let count = 0; count < passes; count++) world.scan(world.sell(count % 3 === 0 ? 'gala' : 'fair', `holder-${count}@example.org`));
  clock.at += 1_000;
};

describe('a pull', () => {
  test.each(styles)('of lists paged by %s tells all that there is, in words of the hub', async (style) => {
    await using own = await start({ wanted: { resources: everything(style, 5) } });
    fill(own);
    own.world.takeBack(own.world.passes[0] as never);
    const { facts, rejected } = await own.pull();
    expect(rejected).toEqual([]);
    for (const each of facts) expect(factSchema.parse(each)).toEqual(each);
    expect(factsOf(facts, 'event')).toMatchObject([{ product: 'CustomEvent', eventId: 'fair', upstreamId: 'fair', name: 'The fair', timezone: 'Europe/Oslo', venue: { name: 'Old hall', address: null }, public: false }, { eventId: 'gala' }]);
    expect(factsOf(facts, 'registration')).toHaveLength(12);
    expect(factsOf(facts, 'registration')[0]).toMatchObject({ eventId: 'gala', upstreamId: '1', participant: 'hash of holder-0@example.org', state: 'CANCELLED' });
    expect(factsOf(facts, 'checkIn')[1]).toMatchObject({ eventId: 'fair', upstreamId: '2', participant: 'hash of 2', direction: 'ENTRY', gateId: 'fair/north', area: '' });
    expect(idsOf(facts, 'checkIn')).toHaveLength(12);
    expect(factsOf(facts, 'gate')).toMatchObject([{ name: 'North door', status: 'OPEN', throughput: 0 }, {}]);
    expect(factsOf(facts, 'observation')).toMatchObject([{ eventId: 'fair', totalRegistered: null, currentAttendees: null }, { eventId: 'gala' }]);
    expect(JSON.stringify(facts)).not.toMatch(/"holder-/);
  });

  test('in any style and page size, broken off anywhere, yields every record once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...styles), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 90 }), fc.uniqueArray(fc.nat(40), { maxLength: 6 }), async (style, size, count, failures) => {
        await using own = await start({ wanted: { resources: [list('happenings', style, size), list('scans', style, size)] } });
        fill(own, count);
        own.desk.failRequests(failures);
        const found: string[] = [];
        for (let tries = 0; tries <= failures.length; tries++) {
          try {
            for await (const batch of connector.pull(own.contextOf(), own.cursor())) {
              found.push(...idsOf(batch.facts, 'checkIn'));
              own.setCursor(JSON.parse(JSON.stringify(batch.cursor)));
            }
            break;
          } catch (error) {
            expect(error).toMatchObject({ code: 'UPSTREAM_STATUS', facts: { status: 503 } });
          }
        }
        expect(found).toEqual(own.world.scans.map(({ n }) => String(n)));
      }),
      { numRuns: 25 },
    );
  });

  test('asks only for what changed, from the greatest mark of the last reading', async () => {
    const since = { parameter: 'changed', from: '$max($each(passes, function($p) { $toMillis($p.changed) })) ~> $fromMillis' };
    await using own = await start({ wanted: { resources: [list('happenings'), list('passes', 'page', 4, { since })] } });
    fill(own);
    expect(idsOf((await own.pull()).facts, 'registration')).toHaveLength(12);
    own.clock.at += 60_000;
    own.world.takeBack(own.world.passes[6] as never);
    const second = await own.pull();
    expect(own.desk.requests.at(-1)).toContain('changed=2024-06-01T09%3A00%3A00.000Z');
    expect(factsOf(second.facts, 'registration')).toContainEqual(expect.objectContaining({ upstreamId: '7', state: 'CANCELLED' }));
    expect(idsOf((await own.pull()).facts, 'registration')).toEqual(['7']);
  });

  test('reads lists of each event that was found, and those of an event that is gone no more', async () => {
    const ofEach = { name: 'passes', path: 'page/happenings/{upstreamId}/passes', paging: { style: 'page', parameter: 'p', more: '$count($keys(passes)) = 10' }, items: '$each(passes, function($p) { $p })', mapping: '{"kind": "registration", "upstreamId": no, "state": state = "ok" ? "CONFIRMED" : "CANCELLED", "at": changed}' };
    await using own = await start({ wanted: { resources: [list('happenings'), ofEach] } });
    fill(own, 40);
    const first = await own.pull();
    expect(factsOf(first.facts, 'registration').filter(({ eventId }) => eventId === 'gala')).toHaveLength(14);
    expect(idsOf(first.facts, 'registration')).toHaveLength(40);
    expect(own.desk.requests.filter((path) => path.includes('fair'))).toHaveLength(3);
    const removed = own.world.happenings.splice(0, 1);
    const second = await own.pull();
    expect([factsOf(second.facts, 'observation').map(({ eventId }) => eventId), removed[0]?.ref]).toEqual([['gala'], 'fair']);
    own.desk.misbehave('half-json', /gala\/passes/);
    own.world.addHappening({ ref: 'open' });
    own.world.sell('open', 'x');
    const third = await own.pull();
    expect(third.rejected).toMatchObject([{ upstreamId: 'passes/gala', reason: expect.stringContaining('UPSTREAM_NOT_JSON') as string }]);
    expect(factsOf(third.facts, 'registration').map(({ eventId }) => eventId)).toEqual(['open']);
  });

  test('of events that are told only when they change reads those that are gone no more, once their list says so', async () => {
    const ofEach = { ...list('passes', 'page', 50), path: 'page/happenings/{upstreamId}/passes' };
    await using own = await start({ wanted: { resources: [list('happenings', 'whole', 10, { since: { parameter: 'changed', from: '$now()' } }), ofEach] } });
    fill(own);
    await own.pull();
    own.world.happenings.splice(0, 1);
    expect((await own.pull()).rejected).toMatchObject([{ upstreamId: 'passes/fair', reason: expect.stringContaining('404') as string }]);
    const third = await own.pull();
    expect([third.rejected, factsOf(third.facts, 'observation').map(({ eventId }) => eventId)]).toEqual([[], ['gala']]);
  });

  test('by POST sends the parameters of its pages in the body', async () => {
    await using own = await start({ wanted: { resources: [list('happenings'), list('scans', 'offset', 5, { method: 'POST', body: { changed: '1970-01-01T00:00:00Z' } })] } });
    fill(own);
    expect(idsOf((await own.pull()).facts, 'checkIn')).toHaveLength(12);
    expect(own.desk.requests.filter((path) => path.endsWith('/offset/scans'))).toHaveLength(4);
  });

  test('of a look reads the first page of each list', async () => {
    await using own = await start({ wanted: { resources: everything('page', 3) } });
    fill(own);
    const { facts } = await own.pull({ ...own.contextOf(), preview: true });
    expect([idsOf(facts, 'registration').length, idsOf(facts, 'checkIn').length, own.desk.requests.length]).toEqual([3, 3, 4]);
  });
});

describe('a list that cannot be paged as declared', () => {
  test.each([
    ['page', { style: 'page', parameter: 'wrong' }],
    ['offset', { style: 'offset', parameter: 'wrong' }],
    ['cursor', { style: 'cursor', parameter: 'wrong', next: '"the same"' }],
    ['link', { style: 'link', next: '"?s=0"' }],
  ])('by %s is told, and not read for ever', async (style, paging) => {
    await using own = await start({ wanted: { resources: [list('happenings'), { ...list('scans', 'page', 5), path: `${style}/scans`, paging }] } });
    fill(own);
    await expect(own.pull()).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE', facts: { resource: 'scans' } });
  });
  test('by links that repeat the key of the query stores no key', async () => {
    await using own = await start({ authentication: { kind: 'query', name: 'key', value: 'query-secret' }, credentials: () => ({ type: 'api_key', apiKey: 'query-secret', parameter: 'key' }), wanted: { resources: everything('link', 3) } });
    fill(own);
    const { batches, facts } = await own.pull();
    expect(batches.some(({ cursor }) => JSON.stringify(cursor).includes('&s='))).toBe(true);
    expect(JSON.stringify(batches)).not.toContain('query-secret');
    expect(facts.length).toBeGreaterThan(10);
  });
  test.each(['https://elsewhere.example/steal', '//elsewhere.example/v0/', '/other/', '/v0/../admin'])('as its next address is %s is not followed', async (next) => {
    await using own = await start({ wanted: { resources: [{ ...list('scans'), paging: { style: 'link', next: `"${next}"` } }] } });
    await expect(own.pull()).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE', message: expect.stringContaining('away') as string });
    expect(own.desk.requests).toHaveLength(1);
  });
  test('as an id of an event would lead elsewhere is not asked for', async () => {
    await using own = await start({ wanted: { resources: [{ ...list('happenings'), mapping: '{"kind": "event", "eventId": "e", "upstreamId": "..", "name": "x", "start": "2024-06-01T09:00:00Z"}' }, { ...list('passes'), path: '{upstreamId}/{upstreamId}/admin' }] } });
    fill(own);
    const { rejected } = await own.pull();
    expect(rejected).toMatchObject([{ upstreamId: 'passes/e', reason: expect.stringContaining('UPSTREAM_SHAPE') as string }]);
    expect(own.desk.requests).toHaveLength(1);
  });
});

describe('records', () => {
  test('that the schema does not take are kept aside with the reason, and the others are taken', async () => {
    await using own = await start({ wanted: { resources: [list('happenings', 'whole', 10, { schema: {} }), list('scans')] }, dataSchema: { type: 'object', required: ['n'], properties: { dir: { enum: ['in', 'out'] } } } });
    fill(own);
    own.world.scans[3] = { ...(own.world.scans[3] as never as object), dir: 'sideways' } as never;
    const { facts, rejected } = await own.pull();
    expect(idsOf(facts, 'checkIn')).toHaveLength(11);
    expect(rejected).toMatchObject([{ reason: 'DATA_SCHEMA: /dir must be equal to one of the allowed values', raw: { resource: 'scans', event: null, record: { n: 4 } } }]);
  });
  test('whose facts fail name the field; their other facts are taken', async () => {
    const mapping = '[{"kind": "event", "eventId": $record[0], "name": $record[1], "start": "2024-06-01T09:00:00Z"}, {"kind": "status", "eventId": $record[0], "status": "SOLD_OUT"}, {"kind": "checkIn", "eventId": $record[0], "upstreamId": 1, "participant": "secret@example.org", "at": "yesterday"}, {"kind": "gate", "eventId": $record[0], "upstreamId": "g", "status": "OPEN", "throughputs": 4}, {"kind": "party"}, 7]';
    await using own = await start({ wanted: { resources: [{ ...list('happenings'), mapping }] } });
    own.world.addHappening({ ref: 'fair' });
    const { facts, rejected } = await own.pull();
    expect(facts.map(({ kind }) => kind)).toEqual(['event', 'observation']);
    expect(rejected.map(({ reason }) => reason)).toEqual([
      'FACT_INVALID: status.status: Invalid option: expected one of "PRE_EVENT"|"ONGOING"|"ENDED"',
      'FACT_INVALID: checkIn.at: a time in ISO 8601 with a zone, such as 2024-06-01T09:00:00Z',
      'FACT_INVALID: gate.fact: Unrecognized key: "throughputs"',
      expect.stringContaining('FACT_INVALID: party.kind'),
      'FACT_INVALID: fact: Invalid input: expected object, received number',
    ]);
    expect(rejected.map(({ upstreamId }) => upstreamId)).toEqual(['status:fair', 'checkIn:1', 'gate:g', expect.stringMatching(/^happenings:\w+#4$/), expect.stringMatching(/^happenings:\w+#5$/)]);
    expect(rejected.map(({ reason }) => reason).join()).not.toContain('secret@');
  });
  test('that were kept aside become facts after the mapping is mended', async () => {
    const broken = { ...list('scans'), mapping: '$error("not yet")' };
    await using own = await start({ wanted: { resources: [list('happenings'), broken] } });
    fill(own);
    const { rejected } = await own.pull();
    expect(rejected).toHaveLength(12);
    expect(rejected[0]?.reason).toMatch(/^MAPPING: not yet/);
    const again = await connector.translateAgain?.(own.contextOf({ resources: [list('happenings'), list('scans')] }), [...rejected, { upstreamId: 'x', reason: 'old', raw: null }]);
    expect(again?.facts).toHaveLength(12);
    expect(again?.rejected).toEqual([{ upstreamId: 'x', reason: 'old', raw: null }]);
  });
  test('that are tried again are as old as they are: what tells no time of its own counts as of when it was read', async () => {
    const gates = (mapping: string) => ({ resources: [list('happenings'), { ...list('doors'), mapping }] });
    await using own = await start({ wanted: gates('$error("not yet")') });
    fill(own);
    const read = new Date(own.clock.at);
    const { rejected } = await own.pull();
    own.clock.at += 3_600_000;
    const inVain = await connector.translateAgain?.(own.contextOf(), rejected);
    expect(inVain?.rejected.map(({ readAt }) => readAt)).toEqual([read, read]);
    const again = await connector.translateAgain?.(own.contextOf(gates(list('doors').mapping)), inVain?.rejected ?? []);
    expect(again?.facts).toMatchObject([{ kind: 'gate', at: read }, { kind: 'gate', at: read }]);
  });
  test('tell attributes of their event, in bounds', async () => {
    const mapping = '[{"kind": "record", "eventId": $record[0], "attributes": {"seats": {"free": 5}}}, {"kind": "record", "eventId": $record[0], "attributes": {"long": $pad("x", 20000)}}]';
    await using own = await start({ wanted: { resources: [{ ...list('happenings'), mapping }] } });
    own.world.addHappening({ ref: 'fair' });
    const { facts, rejected } = await own.pull();
    expect(factsOf(facts, 'record')).toMatchObject([{ type: 'custom.attributes', eventId: 'fair', upstreamId: 'happenings', data: { seats: { free: 5 } } }]);
    expect(rejected).toMatchObject([{ reason: expect.stringMatching(/^FACT_INVALID: record.attributes: at most 16384/) as string }]);
  });
  test('say what the registration says where they say nothing', async () => {
    const settings = { eventId: 'own', eventName: 'Own event', organizer: 'Org', region: 'north', timezone: 'Asia/Seoul', start: '2024-06-01T09:00:00+09:00', resources: [{ name: 'all', path: 'health', mapping: '[{"kind": "event"}, {"kind": "status", "status": $settings.region = "north" ? "ONGOING" : "ENDED"}]' }] };
    await using own = await start({ wanted: settings });
    expect((await own.pull()).facts).toMatchObject([{ kind: 'event', eventId: 'own', name: 'Own event', organizer: 'Org', region: 'north', timezone: 'Asia/Seoul', start: new Date('2024-06-01T00:00:00Z') }, { kind: 'status', status: 'ONGOING' }, { kind: 'observation' }]);
  });
});

describe('a service that asks for a token', () => {
  const oauth2 = { kind: 'oauth2', clientId: 'hub', clientSecret: 'secret', method: 'post', lifetime: 600 } as const;
  test('and forgets it between two pages is signed in to again, and no record is lost', async () => {
    await using own = await start({ wanted: { resources: everything('page', 4) }, authentication: oauth2, credentials: (url) => ({ type: 'oauth2', clientId: 'hub', clientSecret: 'secret', tokenUrl: `${url}/token`, authMethod: 'client_secret_post' }) });
    fill(own);
    const found: string[] = [];
    for await (const batch of connector.pull(own.contextOf(), null)) {
      found.push(...idsOf(batch.facts, 'checkIn'));
      own.desk.forgetTokens();
    }
    expect(found).toHaveLength(12);
    expect(own.desk.tokens.length).toBeGreaterThan(5);
  });
});

describe('health', () => {
  test('is any answer, or what `healthy` says', async () => {
    await using own = await start();
    await connector.checkHealth(own.contextOf());
    await connector.checkHealth(own.contextOf({ healthy: 'up = true' }));
    await expect(connector.checkHealth(own.contextOf({ healthy: 'up = "yes"' }))).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE' });
  });
  test.each([['hang', 'UPSTREAM_TIMEOUT'], ['status-500', 'UPSTREAM_STATUS'], ['html', 'UPSTREAM_NOT_JSON']] as const)('of a service with %s is %s, and so is its pull', async (day, code) => {
    await using own = await start();
    own.desk.misbehave(day);
    await expect(connector.checkHealth(own.contextOf())).rejects.toMatchObject({ code });
    await expect(own.pull()).rejects.toMatchObject({ code });
  });
});
