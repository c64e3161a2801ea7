/**
 * Brings a real Keycloak onto this machine, from Maven Central. It is kept in `.eventgraph-keycloak/` (which ignores
 * itself in git) and used again; Java is installed when it is missing and root may, on Debian.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '#core/errors.ts';
import { installPackages, mayInstallPackages } from '../debian.ts';
import { exists, run } from '../python.ts';
import { fetchFromMaven } from './maven.ts';

/** The version that the hub is checked against; it runs on Java 17. */
export const keycloakVersion = '26.3.5';
const distribution = { group: 'org.keycloak', artifact: 'keycloak-quarkus-dist', version: keycloakVersion, extension: 'zip', sha256: '95756bdfd7540fafaf28874a8eb8d0d4c55977344a3b7821e9bd3a22bfb2b6a6' };
const leastJava = 17;

const cacheFolder = join(import.meta.dirname, '..', '..', '.eventgraph-keycloak');
const folder = join(cacheFolder, `keycloak-${keycloakVersion}`);
/** Keycloak's own start script. */
export const keycloakScript = join(folder, 'bin', 'kc.sh');

export const keycloakEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m' });

/** Installs what is missing. `log` is told before each step that takes long. */
export const installKeycloak = async (log: (line: string) => void): Promise<void> => {
  await ensureJava(log);
  await mkdir(cacheFolder, { recursive: true });
  await writeFile(join(cacheFolder, '.gitignore'), '*\n');
  if (await exists(join(folder, 'complete'))) return;
  log(`Installing Keycloak ${keycloakVersion} from Maven (150 MB and about a minute, once)`);
  const unpacked = join(cacheFolder, `unpacking-${process.pid}`);
  try {
    await rm(unpacked, { recursive: true, force: true });
    await mkdir(unpacked);
    await writeFile(join(unpacked, 'keycloak.zip'), await fetchFromMaven(distribution));
    await unzip(join(unpacked, 'keycloak.zip'), unpacked);
    await rm(folder, { recursive: true, force: true });
    await rename(join(unpacked, `keycloak-${keycloakVersion}`), folder);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
  // What it is built for: a database in memory, so that every start is a fresh one.
  await run('bash', [keycloakScript, 'build', '--db=dev-mem', '--features-disabled=kerberos'], keycloakEnvironment());
  await writeFile(join(folder, 'complete'), '');
};

const unzip = async (file: string, into: string): Promise<void> => {
  const withUnzip = await run('unzip', ['-q', file, '-d', into]).then(() => true, () => false);
  if (!withUnzip) await run(process.env.EVENTGRAPH_PYTHON ?? 'python3', ['-m', 'zipfile', '-e', file, into]);
};

/** Java as Keycloak's script looks for it: of JAVA_HOME, or else the one in the path. */
const ensureJava = async (log: (line: string) => void): Promise<void> => {
  if (await hasJava()) return;
  if (process.env.JAVA_HOME === undefined && (await mayInstallPackages())) {
    log('Installing Java');
    await installPackages('--no-install-recommends', 'default-jre-headless');
  }
  if (!(await hasJava())) throw new ConfigError(`Keycloak needs Java ${leastJava} or newer (Debian: apt-get install default-jre-headless); JAVA_HOME may name it.`, { variable: 'JAVA_HOME' });
};

const hasJava = async (): Promise<boolean> => {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java';
  const version = await run(java, ['--version']).catch(() => '');
  return Number(/(\d+)/.exec(version)?.[1] ?? 0) >= leastJava;
};
