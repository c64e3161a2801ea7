import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openSettings, sealSettings, secretsForOtherHosts } from './secret-settings.ts';
import { createSecrets } from './secrets.ts';

const secrets = createSecrets('a secret of tests that is long enough');
const paths = ['payments.secretKey', 'apiKey'];

describe('secrets inside settings', () => {
  test('are not in the row, and are there again for a call', () => {
    const settings = { shop: '1', apiKey: 'k-e-y', payments: { shopId: '2', secretKey: 's-e-c-r-e-t' } };
    const sealed = sealSettings(settings, paths, secrets);
    expect(JSON.stringify(sealed)).not.toMatch(/k-e-y|s-e-c-r-e-t/);
    expect(sealed).toMatchObject({ shop: '1', payments: { shopId: '2' } });
    expect(openSettings(sealed, paths, secrets)).toEqual(settings);
  });
  test('of any settings come back as they were, whatever stands at their paths', () => {
    const value = fc.oneof(fc.string(), fc.jsonValue(), fc.record({ sealed: fc.string() }));
    const any = fc.oneof(fc.jsonValue(), fc.record({ apiKey: value, payments: fc.oneof(fc.record({ secretKey: value }), fc.jsonValue()) }, { requiredKeys: [] }));
    fc.assert(fc.property(any, (settings) => void expect(openSettings(sealSettings(settings, paths, secrets), paths, secrets)).toEqual(settings)));
  });
  test('are needed anew exactly where a host is named beside them that was not: none goes to a host that it was not given for', () => {
    const host = fc.constantFrom('https://a.test/v1', 'https://a.test/v2', 'https://b.test', ' HTTPS://b.test/x', 'http://a.test', 'no address');
    const group = fc.record({ secretKey: fc.constantFrom('old', 'new'), api: host, more: fc.record({ url: host }, { requiredKeys: [] }) }, { requiredKeys: [] });
    const given = fc.record({ apiKey: fc.constant('k'), base: host, payments: fc.option(group) }, { requiredKeys: [] });
    const originsOf = (value: unknown): string[] => (JSON.stringify(value ?? null).match(/https?:\/\/[ab]/gi) ?? []).map((each) => each.toLowerCase());
    const isNew = (before: unknown, after: unknown): boolean => originsOf(after).some((each) => !originsOf(before).includes(each));
    fc.assert(
      fc.property(given, given, (before, change) => {
        const after = { ...before, ...change };
        expect(secretsForOtherHosts(before, change, after, paths)).toEqual([
          ...(before.payments?.secretKey && !change.payments?.secretKey && isNew(before.payments, after.payments) ? ['payments.secretKey'] : []),
          ...(before.apiKey && !change.apiKey && isNew(before, after) ? ['apiKey'] : []),
        ]);
      }),
    );
  });
  test('that were changed, or sealed under another secret, are refused', () => {
    const sealed = sealSettings({ apiKey: 'x' }, paths, createSecrets('another secret of tests that is long enough'));
    expect(() => openSettings(sealed, paths, secrets)).toThrow();
  });
});
