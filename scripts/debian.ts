/** Packages of Debian, for what tests need and the machine lacks. */
import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './python.ts';

/** Whether packages may be installed here: on Debian, as root. */
export const mayInstallPackages = async (): Promise<boolean> => process.getuid?.() === 0 && access('/etc/debian_version').then(() => true, () => false);

/** `packages`: as `apt-get install` takes them; no service starts by itself. Who comes at the same time waits: apt itself would refuse the second. */
export const installPackages = async (...packages: readonly string[]): Promise<void> => {
  const apt = (...args: readonly string[]) => run('flock', [join(tmpdir(), 'eventgraph-apt.lock'), 'apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=600', ...args], { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' });
  await apt('update').catch(() => undefined); // what is known of packages may do
  await apt('install', '-y', ...packages);
};
