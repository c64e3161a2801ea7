/** The limit of a sync: reads the same pages, and inserts each into one table with one statement and one commit. */
import type pg from 'pg';

type Page = { readonly sequence: number; readonly more: boolean; readonly checkIns: readonly { readonly id: string; readonly badgeId: string; readonly gateId: string; readonly direction: string; readonly at: string }[] };

export type Upstream = { readonly endpoint: string; readonly apiKey: string };

/** Answers how many check-ins there were. */
export const syncBare = async ({ endpoint, apiKey }: Upstream, client: pg.Client): Promise<number> => {
  await client.query('drop table if exists bare');
  await client.query('create table bare (id text primary key, badge_id text not null, gate_id text, direction text not null, at timestamptz not null)');
  const read = async (path: string): Promise<Page> => (await (await fetch(`${endpoint}/${path}`, { headers: { authorization: `Bearer ${apiKey}` } })).json()) as Page;
  let stored = 0;
  for (let next = await read('sync/initial'); ; next = await read(`analytics/realtime?since=${next.sequence}`)) {
    const { checkIns } = next;
    await client.query('insert into bare select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])', [checkIns.map(({ id }) => id), checkIns.map(({ badgeId }) => badgeId), checkIns.map(({ gateId }) => gateId), checkIns.map(({ direction }) => direction), checkIns.map(({ at }) => at)]);
    stored += checkIns.length;
    if (!next.more) return stored;
  }
};
