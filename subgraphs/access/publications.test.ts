/** Publishing operations, by the rules of the gateway over a supergraph file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { sha256Hex } from '#core/digest.ts';
import { query } from '#core/sql.ts';
import { within } from '#core/testing.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import type { Viewer } from '#core/viewer.ts';
import { manifestOf } from '#gateway/documents/manifest.ts';
import { defaultLimits } from '#gateway/limits.ts';
import { createOperationsPort } from '../../hub/operations-port.ts';
import { supergraphFile } from '../../hub/subgraphs.ts';
import { entities } from './entities.ts';
import { subgraph } from './index.ts';
import { createPublishedOperations, limits } from './publications.ts';

const folder = mkdtempSync(join(tmpdir(), 'supergraph-'));
const file = join(folder, 'supergraph.graphql');
const sdl = readFileSync(supergraphFile, 'utf8');
let own: TestHub;
let ask: ReturnType<typeof asker>;
beforeAll(async () => {
  writeFileSync(file, sdl);
  own = await openTestHub({ entities, operations: createOperationsPort({ supergraphFile: file, introspection: false, limits: defaultLimits }) });
  ask = asker(subgraph, own.hub);
});
afterAll(async () => {
  await own[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let clients = 0;
/** A viewer of a client that nobody else has. */
const someone = (name = `client-${++clients}`, ...permissions: Parameters<typeof viewerOf>[0]): Viewer => ({ ...viewerOf(['publish_operations', ...permissions]), terms: { client: name, tier: 'partner', documents: 'persisted' } });
const admin: Viewer = someone('ops', 'admin');
const nameOf = (viewer: Viewer): string => viewer.terms?.client ?? '';

type Published = { publishOperations: { client: string | null; added: { id: string; name: string; type: string }[]; unchanged: number; userErrors: { code: string; field: string; message: string }[] } };
const publishAs = async (viewer: Viewer, input: Record<string, unknown>) => {
  const { data, errors } = await ask<Published | null>('mutation ($input: PublishOperationsInput!) { publishOperations(input: $input) { client added { id name type } unchanged userErrors { code field message } } }', viewer, { input });
  return { ...data?.publishOperations, code: errors[0]?.code };
};
const withdrawAs = async (viewer: Viewer, input: Record<string, unknown>) =>
  ask<{ withdrawOperations: { withdrawn: string[]; userErrors: { code: string }[] } } | null>('mutation ($input: WithdrawOperationsInput!) { withdrawOperations(input: $input) { withdrawn userErrors { code field } } }', viewer, { input });
const kept = async (client: string) => (await createPublishedOperations(own.hub).of(client)).map(({ id, body }) => [id, body] as const);
const audited = (client: string) => query<{ action: string; actor: string; details: unknown }>(own.hub.database.em(), 'select action, actor, details from access.audit_log where subject = $1 order by id', [client]);
const body = (name: string, field = 'id') => `query ${name} {\n  viewer {\n    ${field}\n  }\n}`;
const input = (name: string, field?: string, id?: string) => ({ name, type: 'QUERY', body: body(name, field), ...(id !== undefined && { id }) });

describe('publishing', () => {
  test('a list of operations, or a manifest as Apollo’s generator writes it, makes the same', async () => {
    const [one, two] = [someone(), someone()];
    const text = body('Me');
    const expected = { added: [{ id: sha256Hex(text), name: 'Me', type: 'QUERY' }], unchanged: 0, userErrors: [], code: undefined };
    expect(await publishAs(one, { operations: [input('Me')] })).toEqual({ client: nameOf(one), ...expected });
    expect(await publishAs(two, { manifest: manifestOf([{ id: sha256Hex(text), name: 'Me', type: 'query', body: text }]) })).toEqual({ client: nameOf(two), ...expected });
    for (const viewer of [one, two]) expect(await kept(nameOf(viewer))).toEqual([[sha256Hex(text), text]]);
  });

  test('tells the gateways once it is stored, audits it, and leaves what is there as it is', async () => {
    const viewer = someone();
    const told: string[] = [];
    const stop = own.hub.bus.subscribe('operations.changed', ({ client }) => void told.push(client));
    await publishAs(viewer, { operations: [input('A')] });
    expect(await publishAs(viewer, { operations: [input('A'), input('B')] })).toMatchObject({ added: [{ name: 'B' }], unchanged: 1 });
    expect(await publishAs(viewer, { operations: [input('A')] })).toMatchObject({ added: [], unchanged: 1 });
    await vi.waitFor(() => expect(told).toEqual([nameOf(viewer), nameOf(viewer)]), within);
    stop();
    expect(await audited(nameOf(viewer))).toEqual(['A', 'B'].map((name) => ({ action: 'operations.published', actor: 'key_test', details: { operations: [{ id: sha256Hex(body(name)), name }] } })));
  });

  test('is all or nothing, and says of each operation what to mend', async () => {
    const viewer = someone();
    const { userErrors } = await publishAs(viewer, {
      operations: [input('Good'), input('Bad', 'tierr'), { name: 'Other', type: 'QUERY', body: body('Named') }, { name: 'Named', type: 'MUTATION', body: body('Named', 'tier') }, { name: 'X', type: 'QUERY', body: '{' }, { name: 'X', type: 'QUERY', body: '{ viewer { id } }' }, { name: 'X', type: 'QUERY', body: 'query A { viewer { id } } query B { viewer { id } }' }, input('Hash', 'id', sha256Hex('another text')), input('Id', 'id', 'two words')],
    });
    expect(userErrors?.map(({ code, field }) => [code, field])).toEqual([
      ['GRAPHQL_VALIDATION_FAILED', 'input.operations.1.body'], ['OPERATION_NAME_MISMATCH', 'input.operations.2.name'], ['OPERATION_TYPE_MISMATCH', 'input.operations.3.type'],
      ['GRAPHQL_PARSE_FAILED', 'input.operations.4.body'], ['OPERATION_NAME_MISMATCH', 'input.operations.5.name'], ['OPERATION_RESOLUTION_FAILURE', 'input.operations.6.body'], ['OPERATION_HASH_MISMATCH', 'input.operations.7.id'], ['OPERATION_ID_INVALID', 'input.operations.8.id'],
    ]);
    expect(userErrors?.[0]?.message).toBe('Bad: Cannot query field "tierr" on type "ApiKey". (line 3, column 5)');
    expect(await kept(nameOf(viewer))).toEqual([]);
  });

  test.each([
    [{}, 'OPERATIONS_MISSING', 'input.operations'], [{ operations: [] }, 'OPERATIONS_MISSING', 'input.operations'], [{ operations: [input('A')], manifest: {} }, 'OPERATIONS_TWICE', 'input.operations'],
    [{ manifest: 'text' }, 'MANIFEST_INVALID', 'input.manifest'], [{ manifest: { format: 'apollo-persisted-query-manifest', version: 1, operations: [{ id: 'a', name: 'A', type: 'query' }] } }, 'MANIFEST_INVALID', 'input.manifest.operations.0.body'],
    [{ operations: [input('A', 'id', 'same'), input('B', 'id', 'same')] }, 'OPERATION_ID_TWICE', 'input.operations.1.id'],
  ])('a request that is none is told the field: %o', async (bad, code, field) => {
    const { userErrors } = await publishAs(someone(), bad);
    expect(userErrors?.map((each) => [each.code, each.field])).toContainEqual([code, field]);
  });

  test('an id of its own stands for one text: another needs another id, or the first withdrawn', async () => {
    const viewer = someone();
    await publishAs(viewer, { operations: [input('Mine', 'id', 'app/Mine@1')] });
    expect(await publishAs(viewer, { operations: [input('New'), input('Mine', 'tier', 'app/Mine@1')] })).toMatchObject({ userErrors: [{ code: 'OPERATION_ID_TAKEN', field: 'input.operations.1.id' }] });
    expect(await kept(nameOf(viewer))).toEqual([['app/Mine@1', body('Mine')]]);
    await withdrawAs(viewer, { ids: ['app/Mine@1'] });
    expect(await publishAs(viewer, { operations: [input('Mine', 'tier', 'app/Mine@1')] })).toMatchObject({ userErrors: [], added: [{ id: 'app/Mine@1' }] });
  });

  test('has limits, which hold whoever publishes at the same time', async () => {
    const viewer = someone();
    const many = (from: number) => Array.from({ length: limits.operations / 2 }, (_, index) => input(`Q${from + index}`));
    const results = await Promise.all([0, 400, 5_000].map((from) => publishAs(viewer, { operations: many(from) })));
    expect(results.flatMap(({ userErrors }) => userErrors ?? []).map(({ code }) => code)).toEqual(['PUBLISHED_OPERATIONS_EXCEEDED']);
    expect((await kept(nameOf(viewer))).length).toBeLessThanOrEqual(limits.operations);
    const long = someone();
    const comment = '#'.repeat(90_000);
    const results2 = await publishAs(long, { operations: Array.from({ length: 23 }, (_, index) => ({ name: `L${index}`, type: 'QUERY', body: `${body(`L${index}`)}${comment}` })) });
    expect(results2.userErrors).toMatchObject([{ code: 'PUBLISHED_CHARACTERS_EXCEEDED', message: expect.stringContaining(String(limits.characters)) }]);
  });

  test('goes by the schema that gateways serve now', async () => {
    const viewer = someone();
    writeFileSync(file, sdl.replace(/^type ApiKey\b[^{]*\{/m, '$& colour: String'));
    expect(await publishAs(viewer, { operations: [input('New', 'colour')] })).toMatchObject({ userErrors: [], added: [{ name: 'New' }] });
    writeFileSync(file, 'not a supergraph');
    expect(await publishAs(viewer, { operations: [input('Newer', 'colour')] })).toMatchObject({ userErrors: [] });
    writeFileSync(file, sdl);
    expect(await publishAs(viewer, { operations: [input('Newest', 'colour')] })).toMatchObject({ userErrors: [{ code: 'GRAPHQL_VALIDATION_FAILED' }] });
  });
});

describe('whose operations', () => {
  test('are published, listed and withdrawn by the client itself, and by admins for any', async () => {
    const viewer = someone();
    const name = nameOf(viewer);
    expect(await publishAs(admin, { client: name, operations: [input('ByAdmin')] })).toMatchObject({ client: name, added: [{ name: 'ByAdmin' }] });
    expect(await publishAs(viewer, { client: name, operations: [input('ByItself')] })).toMatchObject({ added: [{ name: 'ByItself' }] });
    const list = 'query ($client: String) { publishedOperations(client: $client) { totalCount edges { node { id name type body } } } }';
    const expected = { publishedOperations: { totalCount: 2, edges: ['ByAdmin', 'ByItself'].map((each) => ({ node: { id: sha256Hex(body(each)), name: each, type: 'QUERY', body: body(each) } })) } };
    expect((await ask(list, viewer)).data).toEqual(expected);
    expect((await ask(list, admin, { client: name })).data).toEqual(expected);
    expect((await withdrawAs(viewer, { ids: [sha256Hex(body('ByAdmin')), 'none'] })).data).toEqual({ withdrawOperations: { withdrawn: [sha256Hex(body('ByAdmin'))], userErrors: [] } });
    expect((await audited(name)).map(({ action }) => action)).toEqual(['operations.published', 'operations.published', 'operations.withdrawn']);
  });

  test('are no affair of other clients, nor of keys without the permission, nor of who has none', async () => {
    const [victim, other] = [someone(), someone()];
    await publishAs(victim, { operations: [input('Mine')] });
    const named = { client: nameOf(victim) };
    expect((await publishAs(other, { ...named, operations: [input('Theirs')] })).code).toBe('FORBIDDEN');
    expect((await withdrawAs(other, { ...named, ids: [sha256Hex(body('Mine'))] })).errors[0]?.code).toBe('FORBIDDEN');
    expect((await ask('query ($client: String) { publishedOperations(client: $client) { totalCount } }', other, named)).errors[0]?.code).toBe('FORBIDDEN');
    expect((await publishAs({ ...victim, permissions: new Set(['read_events']) }, { operations: [input('X')] })).code).toBe('FORBIDDEN');
    expect((await ask('mutation { publishOperations(input: {operations: []}) { unchanged } }')).errors[0]?.code).toBe('UNAUTHENTICATED');
    expect(await publishAs(viewerOf(['publish_operations']), { operations: [input('X')] })).toMatchObject({ userErrors: [{ code: 'CLIENT_MISSING' }] });
    expect(await kept(nameOf(victim))).toEqual([[sha256Hex(body('Mine')), body('Mine')]]);
  });

  test('whatever clients publish and withdraw: an id is the text that this client published for it, and nobody else’s', async () => {
    const names = ['prop-a', 'prop-b', 'prop-c'];
    const step = fc.record({ client: fc.constantFrom(...names), id: fc.constantFrom('x', 'y', undefined), name: fc.constantFrom('P', 'Q'), field: fc.constantFrom('id', 'tier'), isWithdrawal: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const model = new Map(names.map((name) => [name, new Map<string, string>()]));
        await query(own.hub.database.em(), "delete from access.published_operations where client like 'prop-%'");
        for (const { client, id, name, field, isWithdrawal } of steps) {
          const text = body(name, field);
          const key = id ?? sha256Hex(text);
          if (isWithdrawal) {
            await withdrawAs(someone(client), { ids: [key] });
            model.get(client)?.delete(key);
          } else {
            await publishAs(someone(client), { operations: [input(name, field, id)] });
            if (!model.get(client)?.has(key)) model.get(client)?.set(key, text);
          }
        }
        for (const name of names) expect(new Map(await kept(name))).toEqual(model.get(name));
      }),
      { numRuns: 25 },
    );
  });
});

test('a manifest round-trips: what is published is what the manifest says', async () => {
  const viewer = someone();
  const manifest = manifestOf(own.hub.operations.own);
  expect(await publishAs(viewer, { manifest })).toMatchObject({ unchanged: 0, userErrors: [] });
  expect(manifestOf(await createPublishedOperations(own.hub).of(nameOf(viewer)))).toEqual(manifest);
});

describe('a proposed supergraph', () => {
  const check = (supergraph: string, viewer = admin) => ask<{ schemaCheck: { checked: number; brokenCount: number; broken: { client: string | null; name: string; mistakes: Record<string, unknown>[] }[] } | null }>('query ($supergraph: String!) { schemaCheck(supergraph: $supergraph) { checked brokenCount broken { client name mistakes { code message line column field } } } }', viewer, { supergraph });

  test('is told which operations it would break, of whom, and where', async () => {
    const viewer = someone('breaks');
    await publishAs(viewer, { operations: [input('UsesTier', 'tier'), input('UsesId')] });
    expect((await check(sdl)).data.schemaCheck?.broken.filter(({ client }) => client === 'breaks' || client === null)).toEqual([]);
    const { data } = await check(sdl.replaceAll(/\btier: Tier!/g, 'level: Tier!').replaceAll(/\battendanceRate: Float!/g, 'rate: Float!'));
    const mine = data.schemaCheck?.broken.filter(({ client }) => client === 'breaks');
    expect(mine).toEqual([{ client: 'breaks', name: 'UsesTier', mistakes: [{ code: 'GRAPHQL_VALIDATION_FAILED', message: expect.stringContaining('"tier"'), line: 3, column: 5, field: 'UsesTier.viewer.tier' }] }]);
    expect(data.schemaCheck?.broken.find(({ client, name }) => client === null && name === 'EventAttendance')?.mistakes).toMatchObject([{ field: 'EventAttendance.event.attendance.attendanceRate' }]);
  });

  test('that is none is told so', async () => {
    expect((await check('type Query { a: Int }')).errors[0]?.code).toBe('SUPERGRAPH_INVALID');
  });

  test('is for admins', async () => {
    expect((await check(sdl, someone())).errors[0]?.code).toBe('FORBIDDEN');
  });
});
