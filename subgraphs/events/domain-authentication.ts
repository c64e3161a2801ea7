/** What a caller gives to sign in with at a service, checked before anybody is called. */
import { signingKey } from '#core/upstream-credentials.ts';
import { type Credentials, type JwtAlgorithm, type SignIn } from '#core/connector.ts';
import { InputError } from '#core/errors.ts';
import type { AuthenticationInput, CredentialsInput } from './generated/types.ts';

const at = 'input.authentication.credentials';
const mostText = 16_384;
/** RFC 9110, 5.6.2 and 5.5: names and values of header fields. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const headerValue = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
/** Those that say how the request itself is to be read. */
const ownHeaders = ['host', 'connection', 'content-length', 'content-type', 'transfer-encoding', 'te', 'upgrade', 'expect', 'trailer', 'keep-alive', 'proxy-connection', 'accept', 'user-agent'];

type Given = { readonly [Name in keyof CredentialsInput]?: CredentialsInput[Name] };

/** Throws an InputError that names the field at fault; never with its value. */
export const parseAuthentication = (authentication: AuthenticationInput | null | undefined): Credentials => {
  const given: Given = authentication?.credentials ?? {};
  for (const [name, value] of Object.entries(given)) check(typeof value !== 'string' || value.length <= mostText, name, `At most ${mostText} characters.`);
  return { ...signInOf(authentication?.type, given), ...(given.webhookSecret ? { webhookSecret: given.webhookSecret } : {}) };
};

const signInOf = (type: AuthenticationInput['type'] | undefined, given: Given): SignIn => {
  switch (type) {
    case 'API_KEY':
      return apiKeyOf(given);
    case 'JWT':
      return given.token ? { type: 'jwt', token: sendable('token', given.token) } : jwtSigningOf(given);
    case 'OAUTH2':
      return oauth2Of(given);
    default:
      return { type: 'none' };
  }
};

const check = (ok: boolean, name: string, message: string): void => {
  if (!ok) throw new InputError('CREDENTIALS_INVALID', `${at}.${name}`, message);
};

const needed = (type: string, given: Given, name: keyof CredentialsInput): string => {
  const value = given[name];
  if (typeof value !== 'string' || value === '') throw new InputError('CREDENTIALS_INCOMPLETE', `${at}.${name}`, `The type ${type} needs ${name}.`);
  return value;
};

/** What goes into a header. */
const sendable = (name: string, value: string): string => {
  check(headerValue.test(value), name, 'Printable ASCII characters alone can be sent in a header; see that no line break was copied along.');
  return value;
};

const apiKeyOf = (given: Given): SignIn => {
  const apiKey = needed('API_KEY', given, 'apiKey');
  const { in: place, name, prefix } = given;
  if (place === 'QUERY') {
    check(!prefix, 'prefix', 'A key in the query has no prefix.');
    return { type: 'api_key', apiKey, parameter: needed('API_KEY in the query', given, 'name') };
  }
  check(!name || (headerName.test(name) && !ownHeaders.includes(name.toLowerCase())), 'name', 'This is no name of a header that a key can be sent in.');
  return { type: 'api_key', apiKey: sendable('apiKey', apiKey), ...(name ? { header: name } : {}), ...(prefix == null ? {} : { prefix: prefix === '' ? '' : sendable('prefix', prefix) }) };
};

const jwtSigningOf = (given: Given): SignIn => {
  if (!given.algorithm) throw new InputError('CREDENTIALS_INCOMPLETE', `${at}.token`, 'The type JWT needs a token, or an algorithm with a secret or privateKey to sign one.');
  const algorithm: JwtAlgorithm = given.algorithm;
  const name = algorithm.startsWith('HS') ? 'secret' : 'privateKey';
  const key = needed(`JWT with ${algorithm}`, given, name);
  try {
    signingKey({ algorithm, key });
  } catch {
    check(false, name, `This is no key of ${algorithm}: give PEM or JWK; RSA keys have 2048 bits at least.`);
  }
  const { keyId, issuer, subject, audience, lifetime } = given;
  check(lifetime == null || (lifetime >= 10 && lifetime <= 86_400), 'lifetime', 'A lifetime is 10 to 86400 seconds.');
  return { type: 'jwt', sign: { algorithm, key, lifetime: lifetime ?? 300, ...(keyId ? { keyId } : {}), ...(issuer ? { issuer } : {}), ...(subject ? { subject } : {}), ...(audience ? { audience } : {}) } };
};

const oauth2Of = (given: Given): SignIn => {
  const [clientId, clientSecret, tokenUrl] = (['clientId', 'clientSecret', 'tokenUrl'] as const).map((name) => needed('OAUTH2', given, name)) as [string, string, string];
  check(URL.canParse(tokenUrl) && ['http:', 'https:'].includes(new URL(tokenUrl).protocol), 'tokenUrl', 'This is not an http or https URL.');
  const { scope, audience, authMethod } = given;
  return { type: 'oauth2', clientId, clientSecret, tokenUrl, ...(scope ? { scope } : {}), ...(audience ? { audience } : {}), ...(authMethod === 'CLIENT_SECRET_POST' ? { authMethod: 'client_secret_post' } : {}) };
};
