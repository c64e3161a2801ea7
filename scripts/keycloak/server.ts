/** One Keycloak process on an address of its own; its data is in memory and gone with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '#core/embedded-postgres.ts';
import { UpstreamError } from '#core/errors.ts';
import { keycloakEnvironment, keycloakScript } from './install.ts';

export type KeycloakProcess = AsyncDisposable & {
  readonly url: string;
  readonly admin: { readonly username: string; readonly password: string };
  stop(): Promise<void>;
};

/** Alone on a core it takes a quarter of a minute. */
const startTimeoutMs = 300_000;
const pollEveryMs = 200;

export const startKeycloakProcess = async (): Promise<KeycloakProcess> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const admin = { username: 'admin', password: crypto.randomUUID() };
  const env = { ...keycloakEnvironment(), KC_BOOTSTRAP_ADMIN_USERNAME: admin.username, KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password };
  const args = ['start', '--optimized', '--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`, `--hostname=${url}`, '--cache=local', '--log-level=warn'];
  // A group of its own: the script may have started more than Java when it is ended.
  const child = spawn('bash', [keycloakScript, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000)));
  const stop = (): Promise<void> => end(child);
  try {
    await answering(url, child);
  } catch (error) {
    await stop();
    throw new UpstreamError('unreachable', `Keycloak did not start: ${output.trim().split('\n').slice(-3).join(' | ')}`, {}, { cause: error });
  }
  return { url, admin, stop, [Symbol.asyncDispose]: stop };
};

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

const end = async (child: ChildProcess): Promise<void> => {
  if (!isRunning(child) || child.pid === undefined) return;
  const gone = once(child, 'exit');
  // Nothing of it is kept: it need not close in good order.
  process.kill(-child.pid, 'SIGKILL');
  await gone;
};

const answering = async (url: string, child: ChildProcess): Promise<void> => {
  const deadline = Date.now() + startTimeoutMs;
  while (isRunning(child) && Date.now() < deadline) {
    const ready = await fetch(`${url}/realms/master`, { signal: AbortSignal.timeout(startTimeoutMs) }).then((response) => response.ok, () => false);
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs));
  }
  throw new UpstreamError('timeout', `Keycloak did not answer within ${startTimeoutMs} ms.`);
};
