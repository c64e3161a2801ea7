import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openSettings, sealSettings, withoutSecretSettings } from './secret-settings.ts';
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
    expect(JSON.parse(JSON.stringify(withoutSecretSettings(settings, paths)))).toEqual({ shop: '1', payments: { shopId: '2' } });
  });
  test('of any settings come back as they were, whatever stands at their paths', () => {
    const value = fc.oneof(fc.string(), fc.jsonValue(), fc.record({ sealed: fc.string() }));
    const any = fc.oneof(fc.jsonValue(), fc.record({ apiKey: value, payments: fc.oneof(fc.record({ secretKey: value }), fc.jsonValue()) }, { requiredKeys: [] }));
    fc.assert(fc.property(any, (settings) => void expect(openSettings(sealSettings(settings, paths, secrets), paths, secrets)).toEqual(settings)));
  });
  test('that were changed, or sealed under another secret, are refused', () => {
    const sealed = sealSettings({ apiKey: 'x' }, paths, createSecrets('another secret of tests that is long enough'));
    expect(() => openSettings(sealed, paths, secrets)).toThrow();
  });
});
