import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';

const bad: readonly (readonly [string, string])[] = [
  ['PORT', 'http'], ['PORT', '-1'], ['PORT', '65536'], ['PORT', '80.5'],
  ['DATABASE_URL', 'localhost'], ['DATABASE_URL', 'mysql://host/db'],
  ['REDIS_URL', 'http://host'], ['REDIS_URL', 'redis'],
  ['EVENTGRAPH_SECRET', 'short'],
  ['EVENTGRAPH_PUBLIC_URL', 'hub.example.org'], ['EVENTGRAPH_PUBLIC_URL', 'ftp://hub.example.org'],
  ['EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS', 'yes'], ['EVENTGRAPH_DEMO', '1'],
  ['EVENTGRAPH_DEMO_SPEED', '0'], ['EVENTGRAPH_DEMO_SPEED', 'fast'], ['EVENTGRAPH_DEMO_SEED', '1.5'],
  ['EVENTGRAPH_EVENT_LOG_DAYS', '0'], ['EVENTGRAPH_EVENT_LOG_DAYS', '4000'], ['EVENTGRAPH_ACTIVITY_DAYS', '0'],
  ['EVENTGRAPH_SUBGRAPH_TIMEOUT_MS', '0'], ['EVENTGRAPH_SUBGRAPH_TIMEOUT_MS', '30s'], ['EVENTGRAPH_SUBGRAPH_CONCURRENCY', '0'],
  ['EVENTGRAPH_SUBGRAPH_RETRIES', '-1'], ['EVENTGRAPH_SUBGRAPH_HEDGE_MS', '0'], ['EVENTGRAPH_MAX_REQUESTS', 'all'],
  ['EVENTGRAPH_METRICS_PUBLIC', 'yes'],
  ['EVENTGRAPH_CACHE', 'yes'], ['EVENTGRAPH_CACHE', '0'], ['EVENTGRAPH_CACHE', '1.5'],
  ['EVENTGRAPH_DENIED', 'sometimes'],
  ...['app.example.org', 'https://app.example.org/', 'https://app.example.org:443', 'HTTPS://app.example.org', 'https://app.example.org/path', 'null', 'https://*.example.org', '*,https://app.example.org', 'https://a.test,', 'mailto:a@b.c', 'file://', 'https://u:p@a.test'].map((value) => ['EVENTGRAPH_CORS_ORIGINS', value] as const),
  ['EVENTGRAPH_FREE_TEXT', 'some'], ['EVENTGRAPH_INTROSPECTION', 'on'],
  ['LOG_LEVEL', 'loud'],
];

describe('the configuration', () => {
  test.each(bad)('refuses %s=%s and names the variable', (variable, value) => {
    expect(() => readConfig({ [variable]: value })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', facts: { variable }, message: expect.stringContaining(variable) }));
  });

  test('never repeats a secret in its refusal', () => {
    expect(() => readConfig({ EVENTGRAPH_SECRET: 'hunter2' })).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
    expect(() => readConfig({ DATABASE_URL: 'mysql://u:hunter2@host/db' })).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
  });

  test('has a default for everything that may be left out, and takes an empty value for left out, as compose files give it', () => {
    const defaults = { port: 4000, host: '127.0.0.1', dataDir: '.eventgraph', databaseUrl: undefined, redisUrl: undefined, secret: undefined, demo: undefined, eventLogDays: 35, activityDays: 365, subgraphTimeoutMs: 30_000, subgraphConcurrency: 128, subgraphRetries: 2, subgraphHedgeMs: undefined, maxRequests: 10_000, cacheMegabytes: 64, logLevel: 'info' };
    expect(readConfig({})).toMatchObject(defaults);
    expect(readConfig(Object.fromEntries(bad.map(([variable]) => [variable, ''])))).toEqual(readConfig({}));
  });

  test('keeps answers in as many megabytes as it is told, or none', () => {
    expect(['on', 'off', '512'].map((said) => readConfig({ EVENTGRAPH_CACHE: said }).cacheMegabytes)).toEqual([64, null, 512]);
  });

  test('closes free text without a key, and the schema, in production and only there; what is said counts more', () => {
    expect(readConfig({})).toMatchObject({ freeText: 'all', introspection: true });
    expect(readConfig({ NODE_ENV: 'production' })).toMatchObject({ freeText: 'keys', introspection: false });
    expect(readConfig({ NODE_ENV: 'production', EVENTGRAPH_FREE_TEXT: 'all', EVENTGRAPH_INTROSPECTION: 'true' })).toMatchObject({ freeText: 'all', introspection: true });
    expect(readConfig({ EVENTGRAPH_FREE_TEXT: 'none', EVENTGRAPH_INTROSPECTION: 'false' })).toMatchObject({ freeText: 'none', introspection: false });
  });

  test('lets in the pages of the origins that are named, none unless some are, or all', () => {
    expect(readConfig({}).corsOrigins).toEqual([]);
    expect(readConfig({ EVENTGRAPH_CORS_ORIGINS: '*' }).corsOrigins).toBe('*');
    expect(readConfig({ EVENTGRAPH_CORS_ORIGINS: 'https://app.example.org, http://localhost:5173,capacitor://localhost,http://[::1]:3000' }).corsOrigins).toEqual(['https://app.example.org', 'http://localhost:5173', 'capacitor://localhost', 'http://[::1]:3000']);
  });

  test('reads what is given', () => {
    expect(readConfig({ PORT: '0', DATABASE_URL: 'postgres://u@h/d', REDIS_URL: 'rediss://h', EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true', OTHER: 'x' })).toMatchObject({
      port: 0, databaseUrl: 'postgres://u@h/d', redisUrl: 'rediss://h', demo: false, allowPrivateUpstreams: true,
    });
  });
});
