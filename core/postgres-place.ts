/**
 * Where the embedded PostgreSQL lives, and as whom it runs.
 *
 * PostgreSQL refuses to run as root. Started by root, it runs as the user `postgres` (made when missing). That user
 * may be unable to enter the data folder or node_modules (a clone below /root, say); then database and binaries live
 * in /var/lib/eventgraph, in a folder of this data folder's own, and the data folder holds a link to it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, cp, mkdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type PostgresPlace = {
  /** Folder that holds the cluster, entered by the server's user. */
  readonly data: string;
  /** Folder of `postgres` and `initdb`. */
  readonly binaries: string;
  readonly identity: { readonly uid?: number; readonly gid?: number };
  /** Gives a file to the server's user. */
  own(path: string): Promise<void>;
};

export const findPostgresPlace = async (options: { dataDir: string; binary: string }): Promise<PostgresPlace> => {
  const data = join(resolve(options.dataDir), 'postgres');
  const binaries = dirname(options.binary);
  if (process.getuid?.() !== 0) {
    await mkdir(data, { recursive: true, mode: 0o700 });
    return { data, binaries, identity: {}, own: async () => undefined };
  }
  const user = await serverUser();
  const own = (path: string) => chown(path, user.uid, user.gid);
  const outside = join('/var/lib/eventgraph', createHash('sha256').update(data).digest('hex').slice(0, 16));
  const reachable = await mayEnter(resolve(options.dataDir), user.uid, user.gid);
  const place = reachable ? data : join(outside, 'postgres');
  // A data folder that was deleted takes its database with it, wherever that lives.
  if (!reachable && (await readlink(data).catch(() => null)) !== place) {
    await rm(place, { recursive: true, force: true });
    await rm(data, { recursive: true, force: true });
    await symlink(place, data);
  }
  await mkdir(place, { recursive: true, mode: 0o755 });
  await own(place);
  return { data: place, binaries: (await mayEnter(binaries, user.uid, user.gid)) ? binaries : await copyBinaries(binaries), identity: user, own };
};

/** The `postgres` user of the machine; made when missing, with the tools every Linux has. */
const serverUser = async (): Promise<{ uid: number; gid: number }> => {
  const find = async () => (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':')).find(([name]) => name === 'postgres');
  const made = async () => {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
    return find();
  };
  const entry = (await find()) ?? (await made());
  return { uid: Number(entry?.[2]), gid: Number(entry?.[3]) };
};

/** Whether every folder on the way can be passed by this user, by mode bits. */
const mayEnter = async (path: string, uid: number, gid: number): Promise<boolean> => {
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid: owner, gid: group } = await stat(folder);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
};

/** A copy that everyone may read, one for each version of the package. */
const copyBinaries = async (binaries: string): Promise<string> => {
  const native = dirname(binaries);
  const manifest = await readFile(join(dirname(native), 'package.json'), 'utf8');
  const { name, version } = JSON.parse(manifest) as { name: string; version: string };
  const copy = join('/var/lib/eventgraph', `${name.split('/').at(-1)}-${version}`);
  const complete = join(copy, 'complete');
  if (!(await stat(complete).catch(() => null))) {
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    await mkdir(complete);
  }
  await chmod(copy, 0o755);
  return join(copy, 'bin');
};
