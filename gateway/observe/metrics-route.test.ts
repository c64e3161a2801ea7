/** Who is told the numbers. */
import { fastify } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { UnauthenticatedError } from '#core/errors.ts';
import { startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { createMetrics } from './metrics.ts';
import { metricsRoute } from './metrics-route.ts';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

const list = subgraph('list', 'type Query { one: Int }', { Query: { one: () => 1 } });

describe('/metrics', () => {
  const serve = async (isPublic: boolean) => {
    const { gateway } = startGateway([list]);
    opened.push(() => gateway.dispose());
    const app = fastify();
    await app.register(
      metricsRoute({
        metrics: createMetrics({ gateway }),
        isPublic,
        identify: async (credential) => {
          if (credential === 'IPK_admin') return viewerWith('admin');
          if (credential === 'IPK_other') return viewerWith('read_events');
          throw new UnauthenticatedError();
        },
      }),
    );
    opened.unshift(() => app.close());
    return (remoteAddress: string, headers: Record<string, string> = {}) => app.inject({ url: '/metrics', remoteAddress, headers });
  };

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])('answers this machine: %s', async (address) => {
    const answer = await (await serve(false))(address);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.body).toContain('# TYPE eventgraph_operations_total counter');
    expect(answer.body).toContain('# TYPE eventgraph_plan_duration_seconds histogram');
    expect(answer.body).toContain('process_cpu_seconds_total');
  });
  test.each<[string, string, Record<string, string>, number, string]>([
    ['another machine without a key', '10.0.0.1', {}, 401, 'UNAUTHENTICATED'],
    ['whoever asks through a proxy on this machine', '127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, 401, 'UNAUTHENTICATED'],
    ['a key that is not known', '10.0.0.1', { 'x-api-key': 'IPK_bad' }, 401, 'UNAUTHENTICATED'],
    ['a key without admin', '10.0.0.1', { 'x-api-key': 'IPK_other' }, 403, 'FORBIDDEN'],
  ])('refuses %s', async (_, address, headers, status, code) => {
    const answer = await (await serve(false))(address, headers);
    expect([answer.statusCode, answer.json()]).toEqual([status, { errors: [{ message: expect.any(String), extensions: { code } }] }]);
  });
  test('answers a key of an admin from anywhere', async () => {
    expect((await (await serve(false))('10.0.0.1', { authorization: 'Bearer IPK_admin' })).statusCode).toBe(200);
  });
  test('answers everybody where that is configured', async () => {
    expect((await (await serve(true))('10.0.0.1')).statusCode).toBe(200);
  });
});
