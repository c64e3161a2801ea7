/** What can be held about the image and the compose file without a Docker engine. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { routingVariable } from '#core/supergraph-list.ts';
import { listSubgraphs, root } from '../hub/subgraphs.ts';

const service = z.object({
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }),
});
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const file = z.object({ services: z.record(z.string(), service), configs: z.object({ balancer: z.object({ content: z.string() }) }) }).parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(file.services);
const names = listSubgraphs({}).map(({ name }) => name);
const roleOf = (name: string): string | undefined => file.services[name]?.command?.slice(-2).join(' ');

test('every subgraph, the worker and two gateways have a service of their own', () => {
  for (const name of names) expect(roleOf(name)).toBe(`--role subgraph:${name}`);
  expect(roleOf('worker')).toBe('--role worker');
  expect(services.filter(([name]) => roleOf(name) === '--role gateway')).toHaveLength(2);
});

test('every process finds every subgraph, at the port that it listens on', () => {
  for (const [name, { image, environment }] of services) {
    if (image !== 'eventgraph') continue;
    for (const subgraph of names) expect(environment[routingVariable(subgraph)], name).toBe(`http://${subgraph}:4000/graphql`);
    expect(environment).toMatchObject({ HOST: '0.0.0.0', PORT: '4000' });
  }
});

test('a gateway waits for every subgraph', () => {
  for (const [, { depends_on }] of services.filter(([name]) => roleOf(name) === '--role gateway')) expect(Object.keys(depends_on).sort()).toEqual([...names].sort());
});

test("only the gateways' port is published", () => {
  expect(services.filter(([, { ports }]) => ports.length > 0).map(([name]) => name)).toEqual(['balancer']);
  expect(file.configs.balancer.content.match(/^ *server .*$/gm)?.map((line) => line.trim().split(/\s+/)[2])).toEqual(['gateway-1:4000', 'gateway-2:4000']);
});

test('every service is asked for its health', () => {
  for (const [name, { healthcheck, image }] of services) expect(healthcheck.test.join(' '), name).toMatch(image === 'eventgraph' || name === 'balancer' ? /\/health\/ready/ : /pg_isready|redis-cli ping/);
});

test('secrets come from the environment, and are missed by name', () => {
  for (const [name, { environment }] of services)
    for (const [variable, value] of Object.entries(environment)) {
      if (/SECRET|PASSWORD/.test(variable)) expect(value, `${name} ${variable}`).toMatch(/^\$\{\w+:\?.+\}$/);
      if (variable === 'DATABASE_URL') expect(value).toMatch(/:\$\{POSTGRES_PASSWORD:\?[^}]+\}@/);
    }
});

test('the image holds what the hub imports, and does not run as root', () => {
  const lines = read('Dockerfile').split('\n');
  const copied = lines.filter((line) => line.startsWith('COPY ') && !line.includes('--from=')).flatMap((line) => line.split(' ').slice(1, -1));
  for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true);
  expect(copied).toEqual(expect.arrayContaining(['main.ts', 'supergraph.yaml', 'supergraph.graphql', 'core', 'gateway', 'hub', 'ingest', 'simulators', 'subgraphs']));
  expect(lines.filter((line) => line.startsWith('FROM ')).every((line) => line.startsWith('FROM node:24-slim'))).toBe(true);
  expect(lines.indexOf('USER node')).toBeLessThan(lines.findIndex((line) => line.startsWith('CMD ')));
  expect(lines.indexOf('USER node')).toBeGreaterThan(0);
});
