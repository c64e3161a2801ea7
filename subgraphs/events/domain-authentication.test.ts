import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputError } from '#core/errors.ts';
import { parseAuthentication } from './domain-authentication.ts';
import type { AuthenticationInput, CredentialsInput } from './generated/types.ts';

const parse = (type: AuthenticationInput['type'], credentials: Partial<CredentialsInput> | null = {}) => parseAuthentication({ type, credentials: credentials as CredentialsInput | null });
const pem = String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }));
const shortRsa = String(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'pem', type: 'pkcs8' }));

test('credentials of each type are what the hub signs in with', () => {
  expect(parseAuthentication(null)).toEqual({ type: 'none' });
  expect(parse('NONE', null)).toEqual({ type: 'none' });
  expect(parse('API_KEY', { apiKey: 'k' })).toEqual({ type: 'api_key', apiKey: 'k' });
  expect(parse('API_KEY', { apiKey: 'k', name: 'X-Key', prefix: '' })).toEqual({ type: 'api_key', apiKey: 'k', header: 'X-Key', prefix: '' });
  expect(parse('API_KEY', { apiKey: 'k with space ü', in: 'QUERY', name: 'key' })).toEqual({ type: 'api_key', apiKey: 'k with space ü', parameter: 'key' });
  expect(parse('JWT', { token: 'a.b.c' })).toEqual({ type: 'jwt', token: 'a.b.c' });
  expect(parse('JWT', { algorithm: 'HS256', secret: 's', issuer: 'me', audience: 'them' })).toEqual({ type: 'jwt', sign: { algorithm: 'HS256', key: 's', issuer: 'me', audience: 'them', lifetime: 300 } });
  expect(parse('JWT', { algorithm: 'ES256', privateKey: pem, keyId: 'k', subject: 'x', lifetime: 60 })).toEqual({ type: 'jwt', sign: { algorithm: 'ES256', key: pem, keyId: 'k', subject: 'x', lifetime: 60 } });
  const client = { clientId: 'c', clientSecret: 's', tokenUrl: 'https://x.test/token' };
  expect(parse('OAUTH2', client)).toEqual({ type: 'oauth2', ...client });
  expect(parse('OAUTH2', { ...client, scope: 'a b', audience: 'x', authMethod: 'CLIENT_SECRET_POST' })).toEqual({ type: 'oauth2', ...client, scope: 'a b', audience: 'x', authMethod: 'client_secret_post' });
  expect(parse('NONE', { webhookSecret: 'w' })).toEqual({ type: 'none', webhookSecret: 'w' });
});

test.each<[AuthenticationInput['type'], Partial<CredentialsInput>, string, string]>([
  ['API_KEY', {}, 'CREDENTIALS_INCOMPLETE', 'apiKey'],
  ['API_KEY', { apiKey: 'two\nlines' }, 'CREDENTIALS_INVALID', 'apiKey'],
  ['API_KEY', { apiKey: 'x'.repeat(20_000) }, 'CREDENTIALS_INVALID', 'apiKey'],
  ['API_KEY', { apiKey: 'k', name: 'not a header' }, 'CREDENTIALS_INVALID', 'name'],
  ['API_KEY', { apiKey: 'k', name: 'Content-Length' }, 'CREDENTIALS_INVALID', 'name'],
  ['API_KEY', { apiKey: 'k', prefix: 'a\r\nb' }, 'CREDENTIALS_INVALID', 'prefix'],
  ['API_KEY', { apiKey: 'k', in: 'QUERY' }, 'CREDENTIALS_INCOMPLETE', 'name'],
  ['API_KEY', { apiKey: 'k', in: 'QUERY', name: 'key', prefix: 'Token' }, 'CREDENTIALS_INVALID', 'prefix'],
  ['JWT', {}, 'CREDENTIALS_INCOMPLETE', 'token'],
  ['JWT', { token: 'a b\n' }, 'CREDENTIALS_INVALID', 'token'],
  ['JWT', { algorithm: 'HS256', privateKey: pem }, 'CREDENTIALS_INCOMPLETE', 'secret'],
  ['JWT', { algorithm: 'ES256', secret: 's' }, 'CREDENTIALS_INCOMPLETE', 'privateKey'],
  ['JWT', { algorithm: 'RS256', privateKey: pem }, 'CREDENTIALS_INVALID', 'privateKey'],
  ['JWT', { algorithm: 'RS256', privateKey: shortRsa }, 'CREDENTIALS_INVALID', 'privateKey'],
  ['JWT', { algorithm: 'EdDSA', privateKey: '{"kty":"OKP"}' }, 'CREDENTIALS_INVALID', 'privateKey'],
  ['JWT', { algorithm: 'HS256', secret: 's', lifetime: 5 }, 'CREDENTIALS_INVALID', 'lifetime'],
  ['OAUTH2', { clientId: 'c', clientSecret: 's' }, 'CREDENTIALS_INCOMPLETE', 'tokenUrl'],
  ['OAUTH2', { clientId: 'c', clientSecret: 's', tokenUrl: 'file:///etc' }, 'CREDENTIALS_INVALID', 'tokenUrl'],
])('%s with %o is %s at %s', (type, credentials, code, field) => {
  expect(() => parse(type, credentials)).toThrow(expect.objectContaining({ code, field: `input.authentication.credentials.${field}` }));
});

test('whatever is given, no error tells it', () => {
  const text = fc.option(fc.string({ minLength: 12, maxLength: 60 }).map((random) => `CANARY${random}`), { nil: undefined });
  const credentials = fc.record({ apiKey: text, name: text, prefix: text, token: text, secret: text, privateKey: text, tokenUrl: text, clientId: text, clientSecret: text, in: fc.constantFrom('HEADER', 'QUERY'), algorithm: fc.constantFrom('HS256', 'RS256', 'ES256', 'EdDSA', undefined) }) as fc.Arbitrary<Partial<CredentialsInput>>;
  fc.assert(
    fc.property(fc.constantFrom('NONE', 'API_KEY', 'OAUTH2', 'JWT'), credentials, (type, given) => {
      try {
        expect(parse(type as AuthenticationInput['type'], given)).toHaveProperty('type');
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect(JSON.stringify([error, String(error)])).not.toContain('CANARY');
      }
    }),
  );
});
