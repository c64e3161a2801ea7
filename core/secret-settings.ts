/**
 * Secrets inside a service's settings (a payment provider's key): encrypted where they stand, so that a row shows none.
 * A connector names their paths in `secretSettings`.
 */
import type { Secrets } from './secrets.ts';

type Settings = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The settings with the value at this path replaced; as they are where there is none. */
const replaceAt = (settings: unknown, [name, ...rest]: readonly string[], replace: (value: unknown) => unknown): unknown => {
  if (!isObject(settings) || name === undefined || settings[name] == null) return settings;
  return { ...settings, [name]: rest.length === 0 ? replace(settings[name]) : replaceAt(settings[name], rest, replace) };
};

const replaceAll = (settings: unknown, paths: readonly string[], replace: (value: unknown) => unknown): unknown => paths.reduce((done, path) => replaceAt(done, path.split('.'), replace), settings);

/** For the row. Whatever is given is sealed, also what looks as if it were sealed already. */
export const sealSettings = (settings: unknown, paths: readonly string[] = [], secrets: Pick<Secrets, 'encrypt'>): unknown => replaceAll(settings, paths, (value) => ({ sealed: secrets.encrypt(JSON.stringify(value)) }));

/** For a call. Throws where a value was sealed under another secret or was changed. */
export const openSettings = (settings: unknown, paths: readonly string[] = [], secrets: Pick<Secrets, 'decrypt'>): unknown =>
  replaceAll(settings, paths, (value) => (isObject(value) && typeof value.sealed === 'string' ? (JSON.parse(secrets.decrypt(value.sealed)) as unknown) : value));

/** For people: what is secret is left out. */
export const withoutSecretSettings = (settings: unknown, paths: readonly string[] = []): unknown => replaceAll(settings, paths, () => undefined);
