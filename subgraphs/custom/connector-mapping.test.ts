import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fact as factSchema } from '#core/facts.ts';
import { mapRecords, readAnswer } from './connector-mapping.ts';
import { createSandbox, sandboxFlags } from './connector-sandbox.ts';
import { settings, type CustomContext } from './connector-settings.ts';

/** Nobody is called. */
const context = (serviceId = 's1'): CustomContext => ({
  service: { serviceId, serviceName: 'x', endpoints: { api: 'http://x.test', webhook: null, healthCheck: 'http://x.test' }, credentials: { type: 'none' }, settings: settings.parse({ resources: [{ name: 'all', path: 'all', mapping: '[]' }] }), pushSecret: 'x', pushSecrets: ['x'] },
  http: undefined as never, httpFor: () => undefined as never, hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(Date.UTC(2024, 5, 1)), signal: new AbortController().signal,
});
const map = (mapping: string, records: readonly unknown[] = [{ id: 1 }], schema: Record<string, unknown> | null = null, serviceId?: string) => mapRecords(context(serviceId), { name: 'all', event: { eventId: 'e', upstreamId: 'u' }, schema, mapping, readAt: new Date() }, records);
const outcome = async (mapping: string) => (await map(mapping)).rejected.map(({ reason }) => reason)[0];

describe('an expression that comes to no end', () => {
  test.each([
    ['an endless recursion', '($f := function($n) { $f($n + 1) }; $f(0))'],
    ['a map over millions', '$map([1..1000000], function($a) { $map([1..1000000], function($b) { $a * $b }) })'],
    ['a pattern that backtracks for ever', '$match($pad("", 60, "a") & "!", /^(a|a)*$/)'],
    ['a list that does not fit into memory', '$string([1..9999999].{"a": $, "b": [1, 2, 3, $]})'],
    ['a text that does not fit into memory', '($s := $pad("x", 400000000); $replace($s, /x/, "yyyy"))'],
  ])('by %s is stopped, and the hub goes on', async (_how, mapping) => {
    const before = process.memoryUsage().rss;
    expect(await outcome(mapping)).toMatch(/^MAPPING_TOO_COSTLY: /);
    expect((await map('{"kind": "status", "status": "ENDED"}')).facts).toHaveLength(1);
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });
  test.each([
    ['calls too deep', '($f := function($n) { 1 + $f($n + 1) }; $f(0))', /Stack overflow/],
    ['bytes beyond its memory', '$base64encode($pad("x", 5000000))', /too long for Base64/],
    ['a text of a billion characters', '$pad("x", 1000000000)', /Invalid string length/],
    ['facts without end', '{"kind": "record", "attributes": {"x": $pad("x", 300000)}}', /characters as JSON/],
    ['its own words', '$error("not this one")', /not this one/],
    ['no function', 'nothing()', /non-function/],
  ])('fails on %s by its record alone', async (_how, mapping, reason) => {
    expect(await outcome(mapping)).toMatch(reason);
  });
  test('on one record costs that record alone', async () => {
    const mapping = '(id = 7 ? ($f := function($n) { $f($n + 1) }; $f(0)) : 0; {"kind": "gate", "upstreamId": id, "status": "OPEN"})';
    const { facts, rejected } = await map(mapping, Array.from({ length: 20 }, (_, id) => ({ id })));
    expect(facts).toHaveLength(19);
    expect(rejected).toMatchObject([{ upstreamId: 'all/e:7', reason: expect.stringMatching(/^MAPPING_TOO_COSTLY/) as string }]);
  });
  test('on every record is the fault of the mapping: nothing is read on', async () => {
    await expect(map('$pad("x", 100000000) ~> $split("")', Array.from({ length: 20 }, (_, id) => ({ id })))).rejects.toMatchObject({ code: 'MAPPING_TOO_COSTLY' });
  });
  test('costs others their turn for its deadline alone', async () => {
    await using sandbox = createSandbox({ processes: 1, deadlineMs: 300 });
    const task = (mapping: string) => ({ kind: 'map', records: [1], mapping, schema: null, bindings: {}, oneByOne: false }) as const;
    const hanging = Array.from({ length: 3 }, () => sandbox.run('bad', task('($f := function($n) { $f($n + 1) }; $f(0))')).catch((error: { code: string }) => error.code));
    const order: string[] = [];
    const good = sandbox.run('good', task('"[]"')).then((result) => (order.push('good'), result));
    await Promise.all([...hanging.map((each) => each.then((code) => order.push(String(code)))), good]);
    expect(await good).toEqual([{ facts: '"[]"' }]);
    expect(order.indexOf('good')).toBeLessThanOrEqual(1);
    expect(order.filter((each) => each === 'MAPPING_TOO_COSTLY')).toHaveLength(3);
  });
  test('loses nothing of the records before it, also where the hub was too busy to read what they came to', async () => {
    await using sandbox = createSandbox({ processes: 1, deadlineMs: 1_000 });
    const mapping = '(id = 40 ? ($f := function($n) { $f($n + 1) }; $f(0)) : 0; $pad("x", 20000))';
    const task = { kind: 'map', records: Array.from({ length: 41 }, (_, id) => ({ id })), mapping, schema: null, bindings: {}, oneByOne: true } as const;
    let told = 0;
    const busy = () => void (++told === 1 && Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500));
    await expect(sandbox.run('s', task, { told: busy })).rejects.toMatchObject({ code: 'MAPPING_TOO_COSTLY' });
    expect(told).toBe(40);
  });
  test('by its schema is stopped as well', async () => {
    expect((await map('[]', ['a'.repeat(60) + '!'], { type: 'string', pattern: '^(a|a)*$' })).rejected[0]?.reason).toMatch(/^MAPPING_TOO_COSTLY/);
  });
});

describe('an expression', () => {
  test.each(['"".constructor.constructor("return process")()', 'constructor', '__proto__', '$string.constructor', '$lookup($, "constructor")', '$lookup($, "__proto__")', '$process', '$require', '$globalThis', '$each({"a": 1}, function($v) { $v }).constructor', '$sift($, function($v, $k) { true }).__proto__'])('reaches nothing outside by %s', async (expression) => {
    const [got] = await map(`{"kind": "record", "attributes": {"got": $string(${expression})}}`).then(({ facts, rejected }) => (facts.length > 0 ? facts.map((each) => ('data' in each ? JSON.stringify(each.data) : '')) : rejected.map(({ reason }) => reason)));
    expect(got).toMatch(/^\{\}$|^MAPPING: .*non-function/);
  });
  test.each(['$ ~> |$|{"__proto__": {"polluted": 1}}|', '$merge([{}, {"__proto__": {"polluted": 1}}])', '$spread({"constructor": {"prototype": {"polluted": 1}}})', '{"__proto__": {"polluted": 1}}', '$eval("{\\"__proto__\\": {\\"polluted\\": 1}}")'])('that would change what all share by %s changes nothing', async (expression) => {
    await map(`(${expression}; [])`);
    const { facts } = await map('{"kind": "record", "attributes": {"polluted": $string({}.polluted), "own": {"a": 1}.polluted}}');
    expect(facts).toMatchObject([{ data: {} }]);
    expect(JSON.stringify(facts)).not.toContain('polluted"');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
  test.each([
    ['a function of the language', '($clone := function($x) { $x }; {"f": $uppercase} ~> |f.**|{"implementation": function($x) { "forged" }}|; [])'],
    ['what a function of its own stands on', '($clone := function($x) { $x }; $f := function($x) { $x }; {"f": $f} ~> |f.**|{"createSequence": function() { "forged" }, "lookup": function($x) { "forged" }}|; [])'],
  ])('of one service that writes over %s changes nothing for another', async (_what, mapping) => {
    await using sandbox = createSandbox({ processes: 1, deadlineMs: 2_000 });
    const run = (serviceId: string, own: string) => sandbox.run(serviceId, { kind: 'map', records: [{ name: 'true' }], mapping: own, schema: null, bindings: {}, oneByOne: false });
    const honest = '[$uppercase(name), $map([1, 2], function($x) { $x + 1 })]';
    await run('hostile', mapping);
    expect(await run('honest', honest)).toEqual([{ facts: '["TRUE",2,3]' }]);
  });
  test('makes no code of text, whatever it reaches', async () => {
    const reach = '($clone := function($x) { $x }; $o := {"f": $uppercase}; $o ~> |f.**|{}, ["_jsonata_function"]|; $lookup($o.f, "implementation")("x") & $string($lookup($o.f, "implementation").constructor("return process")))';
    expect(await outcome(reach)).toMatch(/^MAPPING: /);
  });
  test.each(['$number(name)', '$toMillis(name)', 'name + 1', '-name', '$formatBase(name, 3)', '$eval(name)', 'name < 1', '$merge(name)'])('that fails by %s does not tell the value that it failed on', async (expression) => {
    const { rejected } = await map(expression, [{ name: 'zoe@example.org' }]);
    expect(rejected[0]?.reason).toMatch(/^MAPPING: /);
    expect(rejected[0]?.reason).not.toContain('zoe');
  });
  test('has Base64', async () => {
    expect((await map('{"kind": "record", "attributes": {"a": $base64encode("a€"), "b": $base64decode("YQ==")}}')).facts).toMatchObject([{ data: { a: Buffer.from('a€', 'binary').toString('base64'), b: 'a' } }]);
  });
  test('of an answer that fails says which', async () => {
    await expect(readAnswer(context(), '{}', { items: 'a.b', next: '$error("no")' })).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE', facts: { expression: 'next' } });
    expect(await readAnswer(context(), '{"a": {"b": [1, 2]}}', { items: 'a.b', next: undefined }, {})).toEqual({ items: [1, 2] });
  });
  test('whatever it and its records are, gives valid facts or reasons', async () => {
    const parts = ['$', 'a', '$record', '$event', 'a.b[0]', '$sum(a)', '$map($, function($v) { $v })', '$keys($)', '{"kind": "status", "status": a}', '{"kind": "checkIn", "upstreamId": a, "participant": b, "at": $now()}', '{"kind": "gate", "upstreamId": a, "status": "OPEN", "throughput": b}', '{"kind": "registration", "upstreamId": b}', '{"kind": "record", "attributes": $}', '$string', 'function($x) { $x }', '$each($, function($v, $k) { $k })', '[]', 'null', '$millis()', '**', '%'];
    const mapping = fc.oneof(fc.constantFrom(...parts), fc.array(fc.constantFrom(...parts), { maxLength: 4 }).map((list) => `[${list.join(', ')}]`));
    const record = fc.oneof(fc.jsonValue(), fc.record({ a: fc.oneof(fc.jsonValue(), fc.constantFrom('ENDED', 'OPEN')), b: fc.jsonValue() }));
    await fc.assert(
      fc.asyncProperty(mapping, fc.array(record, { maxLength: 5 }), async (expression, records) => {
        const { facts, rejected } = await map(expression, records as unknown[]);
        for (const each of facts) expect(factSchema.safeParse(each).success).toBe(true);
        for (const { upstreamId, reason } of rejected) expect([upstreamId, reason].every((each) => each.length > 0 && each.length <= 500)).toBe(true);
      }),
    );
  });
});

describe('the processes of expressions', () => {
  test('keep whatever broke out of its expression from files, programs, threads and the environment', () => {
    // As if code ran in such a process itself.
    const code = `
      const tried = async (work) => { try { await work(); return 'done'; } catch (error) { return error.code; } };
      const [fs, processes, threads] = ['fs', 'child_process', 'worker_threads'].map((name) => process.getBuiltinModule(name));
      const outcomes = [
        await tried(() => fs.readFileSync('/etc/passwd')),
        await tried(() => fs.readFileSync(${JSON.stringify(new URL('../../README.md', import.meta.url).pathname)})),
        await tried(() => fs.readdirSync('/proc')),
        await tried(() => fs.writeFileSync('${import.meta.filename}.written', '')),
        await tried(() => processes.execFileSync('/bin/true')),
        await tried(() => new threads.Worker('', { eval: true, execArgv: [] })),
        await tried(() => process.binding('fs')),
      ];
      process.stdout.write(JSON.stringify([new Set(outcomes).size, outcomes[0], Object.keys(process.env)]));`;
    const told = execFileSync(process.execPath, [...sandboxFlags(), '--input-type=module', '-e', code], { env: {}, encoding: 'utf8' });
    expect(JSON.parse(told)).toEqual([1, 'ERR_ACCESS_DENIED', []]);
  });
  test('end with the hub, also while an expression runs', async () => {
    // A hub of its own, which is killed while one of its expressions never ends: then the expression's own limit ends it.
    const script = `
      import { createSandbox } from ${JSON.stringify(new URL('./connector-sandbox.ts', import.meta.url).href)};
      const sandbox = createSandbox({ processes: 1, deadlineMs: 2_000 });
      const task = (mapping) => ({ kind: 'map', records: [1], mapping, schema: null, bindings: {}, oneByOne: false });
      await sandbox.run('s', task('1'));
      sandbox.run('s', task('($f := function($n) { $f($n + 1) }; $f(0))'));
      const { readdirSync, readFileSync } = await import('node:fs');
      const child = readdirSync('/proc').find((id) => /^\\d+$/.test(id) && (() => { try { return readFileSync('/proc/' + id + '/stat', 'utf8').split(') ')[1].split(' ')[1] === String(process.pid); } catch { return false; } })());
      process.stdout.write(String(child), () => process.kill(process.pid, 'SIGKILL'));`;
    let child = '';
    try {
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    } catch (error) {
      child = String((error as { stdout: Buffer }).stdout);
    }
    expect(child).toMatch(/^\d+$/);
    await expect.poll(() => isRunning(Number(child))).toBe(false);
  });
});

const isRunning = (id: number): boolean => {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
};
