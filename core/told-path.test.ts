import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { toldPath } from './told-path.ts';

test('a path of REST is told as its route, as it can name a person; other paths are told as they are, without what is asked for', async () => {
  const app = fastify();
  app.get('/api/event/:user_id', async (request) => toldPath(request));
  app.get('/ingest/:serviceId', async (request) => toldPath(request));
  app.setNotFoundHandler(async (request) => toldPath(request));
  const told = async (url: string) => (await app.inject(url)).body;
  expect(await told('/api/event/ada@example.org?after=x')).toBe('/api/event/:user_id');
  expect(await told('/api/events/ada@example.org')).toBe('/api/*');
  expect(await told('/ingest/svc_1?token=secret')).toBe('/ingest/svc_1');
  await app.close();
});
