/**
 * Where the embedded PostgreSQL lives, and as whom it runs.
 *
 * PostgreSQL refuses to run as root. Started by root, it runs as the user `postgres` (made when missing). That user
 * may be unable to enter the data folder or node_modules (a clone below /root, say); then database and binaries live
 * in /var/lib/eventgraph, in a folder of this data folder's own, and the data folder holds a link to it.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, cp, mkdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { sha256Hex } from './digest.ts';
import { ConfigError } from './errors.ts';

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
  const { place, user } = (await existingCluster(data)) ?? (await newPlace(data));
  const own = (path: string) => chown(path, user.uid, user.gid);
  return { data: place, binaries: (await mayEnter(binaries, user)) ? binaries : await copyBinaries(binaries), identity: user, own };
};

type User = { readonly uid: number; readonly gid: number };
type Place = { readonly place: string; readonly user: User };

/** A cluster that is there runs as whoever owns it, wherever the link leads. Nothing of it is ever moved or removed. */
const existingCluster = async (data: string): Promise<Place | null> => {
  const place = await realpath(data).catch(() => null);
  const cluster = place && (await stat(join(place, 'cluster')).catch(() => null));
  if (!place || !cluster) return null;
  if (cluster.uid !== 0) return { place, user: { uid: cluster.uid, gid: cluster.gid } };
  // Copied here by root, as from a backup.
  const user = await serverUser();
  if (!(await mayEnter(dirname(place), user))) throw new ConfigError(`The database in ${place} belongs to root, and PostgreSQL does not run as root; its user postgres cannot enter that folder. Set EVENTGRAPH_DATA_DIR to a folder that it can enter, and move the data there.`, { variable: 'EVENTGRAPH_DATA_DIR' });
  await run('chown', ['-R', `${user.uid}:${user.gid}`, place]);
  return { place, user };
};

const newPlace = async (data: string): Promise<Place> => {
  const user = await serverUser();
  const isReachable = await mayEnter(dirname(data), user);
  const place = isReachable ? data : join('/var/lib/eventgraph', sha256Hex(data).slice(0, 16), 'postgres');
  if (!isReachable) {
    // The database of a data folder that was deleted: it cannot be read without that folder's secret, and is kept.
    await rename(place, `${place}.${Date.now()}`).catch(() => undefined);
    await rm(data, { recursive: true, force: true }); // holds no cluster: a link that leads nowhere, or a first start that was killed
    await symlink(place, data);
  }
  await mkdir(place, { recursive: true, mode: 0o755 });
  await chown(place, user.uid, user.gid);
  return { place, user };
};

/** The `postgres` user of the machine; made when missing, with the tools every Linux has. */
const serverUser = async (): Promise<User> => {
  const find = async () => (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':')).find(([name]) => name === 'postgres');
  const made = async () => {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
    return find();
  };
  const entry = (await find()) ?? (await made());
  return { uid: Number(entry?.[2]), gid: Number(entry?.[3]) };
};

/** Whether every folder on the way can be passed by this user, by mode bits. */
const mayEnter = async (path: string, { uid, gid }: User): Promise<boolean> => {
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
