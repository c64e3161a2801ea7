/** What clients write into headers: whatever it is, it is read as something, and nothing throws but a refusal with a code. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TrustProxy } from '#core/config-limits.ts';
import { readConfig } from '#core/config.ts';
import { UnauthenticatedError } from '#core/errors.ts';
import { publicViewer } from '#core/viewer.ts';
import { networkOf } from '../budgets/network.ts';
import { refusal } from '../answer.ts';
import { type Trusts, addressOf, trustsOf } from './client-address.ts';
import { credentialIn } from './credentials.ts';
import { mediaTypes, negotiate, negotiateStream, takesParts } from './graphql-over-http.ts';
import { cachingHeaders, isKnown } from './http-caching.ts';

/** Bytes as Node gives them: Latin-1. */
const anyText = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 60 });

describe('Accept', () => {
  const type = fc.constantFrom('application/json', 'application/graphql-response+json', '*/*', 'application/*', 'text/html', 'text/event-stream', 'multipart/mixed', 'MULTIPART/Mixed', '');
  const parameter = fc.constantFrom('q=0', 'q=1', 'q=0.5', 'q=abc', 'q=', 'q=-1', 'q=1e999', 'q=NaN', 'deferSpec=20220824', 'deferSpec="20220824"', 'deferSpec=1', 'subscriptionSpec=1.0', 'subscriptionSpec="1.0"', 'subscriptionSpec', 'charset=utf-8', ';;');
  const wish = fc.tuple(type, fc.array(parameter, { maxLength: 3 })).map(([name, parameters]) => [name, ...parameters].join(';'));
  const accept = fc.oneof(fc.array(fc.oneof(wish, anyText), { maxLength: 5 }).map((list) => list.join(',')), anyText);

  test('of any kind is one of two types, or none', () => {
    fc.assert(fc.property(accept, (text) => {
      expect([mediaTypes.response, mediaTypes.json, null]).toContain(negotiate(text));
      expect(['sse', 'multipart', null]).toContain(negotiateStream(text, 'subscription'));
      expect(['sse', null]).toContain(negotiateStream(text, 'query'));
      expect(typeof takesParts(text)).toBe('boolean');
    }));
  });

  test('what is named with weight is taken, whatever stands beside it; what has none is not', () => {
    const others = fc.array(fc.constantFrom('text/html', 'image/*;q=0.9', 'x/y;q=abc', '', ' ', ';'), { maxLength: 4 });
    fc.assert(fc.property(others, fc.double({ min: 0.001, max: 1, noNaN: true }), (list, quality) => {
      expect(negotiate([...list, `application/graphql-response+json;q=${quality.toFixed(3)}`].join(','))).toBe(mediaTypes.response);
      expect(negotiate(['text/html', ...list, 'application/json;q=0'].join(','))).toBeNull();
    }));
  });
});

test('If-None-Match of any kind: known is who names the tag, and nobody else', () => {
  const headers = { ...cachingHeaders(refusal([]), publicViewer, 'x'), etag: '"abc.def"' };
  fc.assert(fc.property(anyText, (text) => {
    expect(isKnown(text, headers)).toBe(text.trim() === '*' || text.split(',').some((each) => ['"abc.def"', 'W/"abc.def"'].includes(each.trim())));
    expect(isKnown([text.replaceAll('"', ''), 'W/"abc.def"'].join(', '), headers)).toBe(true);
  }));
});

test('credentials of any kind are one text, none, or refused with a code', () => {
  const value = fc.oneof(anyText, anyText.map((text) => `Bearer ${text}`), fc.constantFrom<unknown>(undefined, null, 1, [], {}, ['a', 'b'], true));
  const name = fc.constantFrom('authorization', 'Authorization', 'x-api-key', 'X-API-KEY', '__proto__', 'other');
  fc.assert(fc.property(fc.array(fc.tuple(name, value), { maxLength: 3 }), (pairs) => {
    try {
      const credential = credentialIn(Object.fromEntries(pairs));
      expect(credential === null || (typeof credential === 'string' && credential !== '')).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(UnauthenticatedError);
    }
  }));
});

describe('X-Forwarded-For', () => {
  const step = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV6().map((address) => `${address}%eth0`), fc.ipV4().map((address) => `::ffff:${address}`), fc.constantFrom('', ' ', 'unknown', '_hidden', '[::1]:80', '1.2.3.4:80', '10.0.0.1', '::1%', 'fe80::1%', '0x7f.1'), anyText);
  const forwarded = fc.array(step, { maxLength: 5 }).map((steps) => steps.join(','));
  const setting = fc.constantFrom(undefined, 0, 1, 99, ['10.0.0.0/8'], ['::/0', '0.0.0.0/0'], ['fe80::/10', '::1']);

  test('of any kind is some address, of some network', () => {
    fc.assert(fc.property(forwarded, setting, fc.oneof(fc.ipV4(), fc.ipV6()), (text, trusted, remoteAddress) => {
      const address = addressOf({ headers: { 'x-forwarded-for': text }, socket: { remoteAddress } }, trustsOf(trusted));
      expect([remoteAddress, ...text.split(',').map((each) => each.trim())]).toContain(address);
      expect(typeof networkOf(address)).toBe('string');
    }), { numRuns: 1_000 });
  });

  test('of balancers that the configuration takes can be read', () => {
    const network = fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('fe80::1%eth0', '::', '::ffff:10.0.0.1')), fc.option(fc.nat(130))).map(([address, bits]) => (bits === null ? address : `${address}/${bits}`));
    fc.assert(fc.property(fc.oneof(fc.array(network, { minLength: 1, maxLength: 3 }).map((list) => list.join(',')), fc.nat(99).map(String), fc.string({ minLength: 1 })), forwarded, (configured, text) => {
      const trusts = trustsIn(configured);
      fc.pre(trusts !== null);
      expect(typeof addressOf({ headers: { 'x-forwarded-for': text }, socket: { remoteAddress: '10.0.0.1' } }, trusts)).toBe('string');
    }), { numRuns: 500 });
  });

  test('is not looked at where nobody is trusted', () => {
    fc.assert(fc.property(forwarded, fc.ipV4(), (text, remoteAddress) => {
      expect(addressOf({ headers: { 'x-forwarded-for': text }, socket: { remoteAddress } }, trustsOf(undefined))).toBe(remoteAddress);
    }));
  });
});

/** Null for a configuration that is refused. */
const trustsIn = (EVENTGRAPH_TRUST_PROXY: string): Trusts | null => {
  let configured: TrustProxy | undefined;
  try {
    configured = readConfig({ EVENTGRAPH_TRUST_PROXY }).limits.doors.trustProxy;
  } catch {
    return null;
  }
  return trustsOf(configured);
};
