/**
 * One pretix process (gunicorn) that can be stopped and started again on the same address and database.
 *
 * pretix has no task queue here, so it runs its tasks within the request that causes them: an order is answered when
 * its webhooks are delivered. Several threads let the receiver of a webhook ask back meanwhile.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { UpstreamError } from '#core/errors.ts';
import { pretixEnvironment, python } from './install.ts';

export type PretixProcess = {
  start(): Promise<void>;
  /** Ends the server in good order; `signal` SIGKILL ends it in none. The database stays. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
};

const startTimeoutMs = 60_000;
const pollEveryMs = 100;

/** A port that nobody listens on now. pretix must know its own address before it starts. */
export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new UpstreamError('unreachable', 'The system gave no free port.');
  return address.port;
};

export const createPretixProcess = (folder: string, port: number): PretixProcess => {
  let child: ChildProcess | null = null;
  let output = '';

  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    // The whole group: gunicorn's worker does the work, and an orphan would keep the port.
    if (running.pid) process.kill(signal === 'SIGKILL' ? -running.pid : running.pid, signal);
    await gone;
  };

  return {
    async start() {
      if (child) return;
      const args = ['-m', 'gunicorn', 'pretix.wsgi', '--bind', `127.0.0.1:${port}`, '--worker-class', 'gthread', '--workers', '1', '--threads', '8', '--graceful-timeout', '5', '--no-control-socket', '--log-level', 'warning'];
      const started = spawn(python, args, { env: pretixEnvironment(folder), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      child = started;
      output = '';
      for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000)));
      try {
        await answering(port, () => started.exitCode === null && started.signalCode === null);
      } catch (error) {
        await stop('SIGKILL');
        throw new UpstreamError('unreachable', `pretix did not start: ${output.trim().split('\n').slice(-3).join(' | ')}`, {}, { cause: error });
      }
    },
    stop,
  };
};

const answering = async (port: number, alive: () => boolean): Promise<void> => {
  const deadline = Date.now() + startTimeoutMs;
  while (alive() && Date.now() < deadline) {
    // 403 is an answer: the version is told to holders of a token alone.
    const status = await fetch(`http://127.0.0.1:${port}/api/v1/version`, { signal: AbortSignal.timeout(startTimeoutMs) }).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200 || status === 403) return;
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs));
  }
  throw new UpstreamError('timeout', `pretix did not answer within ${startTimeoutMs} ms.`);
};
