/** The peers, each as its makers say it is to be run in production; installed at first use. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Sharing } from './ours.ts';
import { type Program, startCommand, startProgram } from './processes.ts';

const dir = join(import.meta.dirname, '../peers');

export type Peer = '@apollo/gateway' | 'Hive Gateway' | 'Hive Gateway, Router Runtime';

/** What may run a foreign package's scripts stays off: nothing here needs them. */
export const installPeers = (): void => {
  if (existsSync(join(dir, 'node_modules'))) return;
  console.log('installing the peers …');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], { cwd: dir, stdio: 'inherit' });
  if (status !== 0) throw new Error('The peers cannot be installed.');
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

/**
 * Its JIT is the faster one with its default runtime. With the Router Runtime, which plans in Rust, `--jit` answers
 * `null` for everything (2.15.1 with 1.4.23).
 */
const startHive = async (name: Peer, supergraphFile: string, sharing: Sharing): Promise<Program> => {
  const port = String(await freePort());
  const faster = name === 'Hive Gateway' ? '--jit' : '--hive-router-runtime';
  const args = [join(dir, 'node_modules/@graphql-hive/gateway/dist/bin.js'), 'supergraph', supergraphFile, '--host', '127.0.0.1', '--port', port, '--fork', '1', '--config-path', join(dir, 'hive.config.mjs'), faster];
  return startCommand(name, args, dir, `http://127.0.0.1:${port}/graphql`, { BENCH_SHARING: sharing });
};

/** @apollo/gateway shares nothing between requests, whatever is asked for. */
export const startPeer = (name: Peer, supergraphFile: string, sharing: Sharing): Promise<Program> =>
  name === '@apollo/gateway' ? startProgram({ name, file: '../peers/apollo.mjs', settings: { supergraphFile } }) : startHive(name, supergraphFile, sharing);
