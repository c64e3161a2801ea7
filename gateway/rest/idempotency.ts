/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent again, as its answer was lost, is
 * answered as the first time and not carried out twice.
 *
 * Holds: of all requests of one client to one path with one key, within 24 hours, at most one is executed. The key is
 * claimed in the database before execution; an answer that was stored is given again, also by another process. If a
 * process dies between the two, nobody knows whether the request was carried out: it is never executed again, and the
 * client is told so. Stored answers are encrypted, as they can hold a new key.
 */
import type { Database } from '#core/database.ts';
import { sha256 } from '#core/digest.ts';
import { type Secrets, constantTimeEqual, randomToken } from '#core/secrets.ts';
import { query } from '#core/sql.ts';

export type StoredResponse = { readonly status: number; readonly contentType: string; readonly body: string };

/** Whose key it is, and where it was sent. */
export type KeyOf = { readonly client: string; readonly path: string; readonly key: string };

export type Claim =
  /** Nobody has sent it yet: execute it, then `finish`; or `release` when it was refused before execution. */
  | { readonly kind: 'mine'; finish(response: StoredResponse): Promise<void>; release(): Promise<void> }
  | { readonly kind: 'done'; readonly response: StoredResponse }
  /** The key was used for another request. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'running' }
  /** Whoever executed it did not live to tell. */
  | { readonly kind: 'unknown' };

export type IdempotencyKeys = {
  /** `asked`: what was asked, with which rights; JSON. */
  claim(key: KeyOf, asked: unknown): Promise<Claim>;
};

export type IdempotencyOptions = { readonly database: Database; readonly secrets: Secrets; readonly now: () => Date };

const keptMs = 24 * 3_600_000;
/** No mutation takes as long: a registration, the slowest, ends within two minutes. */
const longestRunMs = 5 * 60_000;

type Row = { readonly fingerprint: string; readonly response: string | null; readonly is_running: boolean };

export const createIdempotencyKeys = ({ database, secrets, now }: IdempotencyOptions): IdempotencyKeys => {
  const take = async (key: KeyOf, fingerprint: string, owner: string): Promise<boolean> => {
    const at = now();
    await query(database.em(), sweep, [at]);
    const values = [key.client, key.path, key.key, owner, secrets.encrypt(fingerprint), new Date(at.getTime() + longestRunMs), new Date(at.getTime() + keptMs), at];
    return (await query(database.em(), insert, values)).length > 0;
  };
  const find = async ({ client, path, key }: KeyOf): Promise<Row | undefined> => (await query<Row>(database.em(), select, [client, path, key, now()]))[0];
  const mine = (owner: string): Claim => ({
    kind: 'mine',
    finish: async (response) => void (await query(database.em(), 'update hub.idempotency_keys set response = $2 where owner = $1', [owner, secrets.encrypt(JSON.stringify(response))])),
    release: async () => void (await query(database.em(), 'delete from hub.idempotency_keys where owner = $1', [owner])),
  });
  const judge = (row: Row, fingerprint: string): Claim => {
    if (!constantTimeEqual(secrets.decrypt(row.fingerprint), fingerprint)) return { kind: 'reused' };
    if (row.response !== null) return { kind: 'done', response: JSON.parse(secrets.decrypt(row.response)) as StoredResponse };
    return { kind: row.is_running ? 'running' : 'unknown' };
  };

  return {
    async claim(key, asked) {
      const fingerprint = fingerprintOf(asked);
      for (;;) {
        const owner = randomToken();
        if (await take(key, fingerprint, owner)) return mine(owner);
        const row = await find(key);
        // Released in between: it is anybody's again.
        if (row) return judge(row, fingerprint);
      }
    },
  };
};

/** An expired key is a new one. */
const insert = `insert into hub.idempotency_keys (client, path, key, owner, fingerprint, running_until, expires_at)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (client, path, key) do update
    set owner = excluded.owner, fingerprint = excluded.fingerprint, running_until = excluded.running_until, expires_at = excluded.expires_at, response = null
    where idempotency_keys.expires_at <= $8
  returning owner`;

const select = 'select fingerprint, response, running_until > $4 as is_running from hub.idempotency_keys where client = $1 and path = $2 and key = $3';

/** Whoever comes takes some old ones away. */
const sweep = `delete from hub.idempotency_keys where owner in (select owner from hub.idempotency_keys where expires_at <= $1 order by expires_at limit 100 for update skip locked)`;

/** Equal for equal requests, in whatever order the names of their parameters come. */
const fingerprintOf = (asked: unknown): string => sha256(JSON.stringify(asked, sorted));

const sorted = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;

/** As the draft has it, a quoted string; bare, as many clients send it. Null for what is no key. */
export const keyInHeader = (value: unknown): string | null => {
  if (typeof value !== 'string') return null;
  const key = /^"([^"\\]*)"$/.exec(value)?.[1] ?? value;
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(key) ? key : null;
};
