import type { LookupAddress } from 'node:dns';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guardedLookup, isForbiddenAddress, refuseForbiddenAddress } from './network-guard.ts';

const byte = fc.nat(255);
const privateV4 = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127), byte, byte, byte),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
  fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
  fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
  fc.tuple(fc.constant(198), fc.constantFrom(18, 19), byte, byte),
  fc.tuple(fc.integer({ min: 224, max: 255 }), byte, byte, byte),
);
const dotted = (parts: readonly number[]) => parts.join('.');
const group = (high = 0, low = 0) => ((high << 8) | low).toString(16);
const refused = expect.objectContaining({ code: 'UPSTREAM_FORBIDDEN_ADDRESS' });
const visit = (url: string, allowPrivate = false) => () => refuseForbiddenAddress(new URL(url), allowPrivate);

describe('an address of a private network', () => {
  test('is refused in every range, as IPv4 and in each of its IPv6 forms', () => {
    fc.assert(
      fc.property(privateV4, ([a, b, c, d]) => {
        const plain = dotted([a, b, c, d]);
        const [high, low] = [group(a, b), group(c, d)];
        const forms = [plain, `::ffff:${plain}`, `::FFFF:${plain}`, `::ffff:${high}:${low}`, `0:0:0:0:0:ffff:${high}:${low}`, `::${high}:${low}`, `64:ff9b::${high}:${low}`, `2002:${high}:${low}::1`];
        for (const form of forms) expect(isForbiddenAddress(form), form).toBe(true);
        for (const form of forms) expect(visit(`http://${form.includes(':') ? `[${form}]` : form}/`), form).toThrow(refused);
      }),
    );
  });

  test('is refused as IPv6: unspecified, loopback, unique local, link-local (with a zone too), site-local, multicast, documentation', () => {
    for (const address of ['::', '::1', 'fc00::1', 'fdff:ffff::1', 'fe80::1', 'febf::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '2001:db8::1', '3fff::1', '100::1', '2001::1', '64:ff9b:1::1']) expect(isForbiddenAddress(address), address).toBe(true);
  });

  test('is refused however a URL spells it', () => {
    for (const host of ['2130706433', '0x7f000001', '0x7f.1', '127.1', '017700000001', '127.0.0.1.', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:0:0:1]']) expect(visit(`http://${host}/`), host).toThrow(refused);
  });

  test('may be called where the hub is configured so', () => {
    expect(visit('http://127.0.0.1/', true)).not.toThrow();
  });
});

test('addresses of the public internet may be called', () => {
  fc.assert(
    fc.property(fc.tuple(fc.integer({ min: 1, max: 99 }), byte, byte, byte).filter(([a]) => a !== 10), (parts) => {
      expect(isForbiddenAddress(dotted(parts))).toBe(false);
      expect(isForbiddenAddress(`::ffff:${dotted(parts)}`)).toBe(false);
    }),
  );
  for (const address of ['2606:4700:4700::1111', '2a00:1450:4001::1', '2001:4860:4860::8888']) expect(isForbiddenAddress(address), address).toBe(false);
});

test('what is no address is refused, as nobody can tell where it leads', () => {
  fc.assert(
    fc.property(fc.string().filter((text) => !/^[\d.:a-fA-F]+$/.test(text)), (text) => {
      expect(isForbiddenAddress(text)).toBe(true);
    }),
  );
});

test('only http and https are called', () => {
  for (const url of ['file:///etc/passwd', 'ftp://example.org/', 'gopher://example.org/', 'data:text/plain,x']) {
    expect(visit(url)).toThrow(refused);
    expect(visit(url, true)).toThrow(refused);
  }
});

describe('a name', () => {
  const resolve = (name: string, allowPrivate: boolean, all: boolean) =>
    new Promise<{ error: unknown; found: string | LookupAddress[] }>((done) => guardedLookup(allowPrivate)(name, { all }, (error, found) => done({ error, found })));

  test('that resolves to a private address is refused at the very look-up of the connection', async () => {
    for (const all of [true, false]) expect((await resolve('localhost', false, all)).error).toEqual(refused);
  });

  test('that resolves to a private address is answered where the hub is configured so', async () => {
    expect((await resolve('localhost', true, false)).found).toMatch(/^(127\.0\.0\.1|::1)$/);
    expect((await resolve('localhost', true, true)).found).toContainEqual(expect.objectContaining({ address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) }));
  });

  test('that does not resolve is an error of the resolver', async () => {
    expect((await resolve('nowhere.invalid', false, true)).error).toMatchObject({ syscall: 'getaddrinfo' });
  });
});
