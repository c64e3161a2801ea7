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

/**
 * Paths of stored secrets that a change does not give anew, though it names a host beside one (in the same object) that was
 * not named there before. Whoever does not know a secret cannot have it sent to a host of his own.
 */
export const secretsForOtherHosts = (before: unknown, change: unknown, after: unknown, paths: readonly string[] = []): string[] =>
  paths.filter((path) => {
    const names = path.split('.');
    const holder = names.slice(0, -1);
    const known = originsIn(valueAt(before, holder));
    return valueAt(before, names) != null && valueAt(change, names) == null && [...originsIn(valueAt(after, holder))].some((origin) => !known.has(origin));
  });

const valueAt = (settings: unknown, names: readonly string[]): unknown => names.reduce((value, name) => (isObject(value) ? value[name] : undefined), settings);

const originsIn = (value: unknown): ReadonlySet<string> => new Set(textsIn(value).flatMap((text) => (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? [new URL(text).origin] : [])));

const textsIn = (value: unknown): string[] => (typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []);
