import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { settings } from './connector-settings.ts';
import { list } from './test-connector.ts';

const wrongAt = (value: unknown) => {
  const parsed = settings.safeParse(value);
  return parsed.success ? null : parsed.error.issues[0]?.path.join('.');
};
const resource = (more: object) => ({ resources: [{ ...list('scans'), ...more }] });

describe('settings', () => {
  test('of the example in the README are as they are documented', () => {
    const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
    const examples = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => JSON.parse(String(json)) as { settings: unknown });
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(settings.safeParse(example.settings).error).toBeUndefined();
  });
  test.each<[string, unknown]>([
    ['resources', {}],
    ['resources', { resources: [] }],
    ['', { ...resource({}), resource: [] }],
    ['resources.0.mapping', resource({ mapping: '{"kind": ' })],
    ['resources.0.mapping', resource({ mapping: '('.repeat(10_000) })],
    ['resources.0.mapping', resource({ mapping: '/(/' })],
    ['resources.0.mapping', resource({ mapping: 'x'.repeat(30_000) })],
    ['resources.0.items', resource({ items: '[' })],
    ['resources.0.paging.next', resource({ paging: { style: 'cursor', parameter: 'after', next: ')' } })],
    ['resources.0.paging.style', resource({ paging: { style: 'magic' } })],
    ['resources.0.since.from', resource({ since: { parameter: 'x', from: '{' } })],
    ['resources.0.schema', resource({ schema: { type: 'no such type' } })],
    ['resources', { resources: Array.from({ length: 20 }, (_, n) => ({ ...list('scans'), name: `r${n}`, schema: { enum: ['x'.repeat(4_000), n] } })) }],
    ['resources', { resources: [5, { ...list('scans'), schema: { enum: ['x'.repeat(70_000)] } }] }],
    ['resources', { resources: [{ ...list('scans'), schema: { enum: ['x'.repeat(70_000)] } }], webhook: 5 }],
    ['', resource({ body: { long: 'x'.repeat(300_000) } })],
    ['resources.0.path', resource({ path: '../admin' })],
    ['resources.0.path', resource({ path: 'https://elsewhere.example/' })],
    ['resources.0.path', resource({ path: '//elsewhere.example/' })],
    ['resources.0.path', resource({ path: 'a?b=c' })],
    ['resources.0.path', resource({ path: 'events/{id}' })],
    ['resources.0.body', resource({ body: {} })],
    ['resources.1.name', { resources: [list('scans'), list('scans')] }],
    ['webhook.mapping', { ...resource({}), webhook: { verify: { by: 'token' }, mapping: '{' } }],
    ['webhook.verify.by', { ...resource({}), webhook: { verify: { by: 'trust' } } }],
    ['webhook.verify.signedPayload', { ...resource({}), webhook: { verify: { by: 'hmac', header: 'X', signedPayload: 'nothing' } } }],
    ['headers', { ...resource({}), headers: { Authorization: 'x' } }],
    ['healthy', { ...resource({}), healthy: '~>' }],
    ['timezone', { ...resource({}), timezone: 'Mars/North' }],
  ])('with a mistake name its field %s', (field, value) => {
    expect(wrongAt(value)).toBe(field);
  });
  test('of any kind are taken or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ resources: fc.array(fc.record({ name: fc.string(), path: fc.string(), mapping: fc.string(), items: fc.string(), schema: fc.jsonValue() }, { requiredKeys: [] })) })), (value) => {
        expect(typeof settings.safeParse(value).success).toBe('boolean');
      }),
    );
  });
});
