/** What anybody would write: one insert a request, answered after its commit. Its argument is the database. */
import { fastify } from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.argv[2], max: 20 });
await pool.query('create table collected (event_id text primary key, event text not null, user_id text not null, at timestamptz not null default now(), parameters jsonb not null)');
const app = fastify();
app.post<{ Body: { event_id: string; event: string; user_id: string; parameters: object } }>('/api/collect', async ({ body: { event_id, event, user_id, parameters } }) => {
  await pool.query('insert into collected (event_id, event, user_id, parameters) values ($1, $2, $3, $4) on conflict do nothing', [event_id, event, user_id, parameters]);
  return { is_success: true };
});
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }));
