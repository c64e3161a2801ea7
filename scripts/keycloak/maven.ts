/** Files from a Maven repository: Maven Central, or the mirror of it that this machine is set to. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '#core/digest.ts';
import { ConfigError } from '#core/errors.ts';

const central = 'https://repo1.maven.org/maven2';
const longestMs = 300_000;

/** EVENTGRAPH_MAVEN_REPOSITORY, or the mirror of Central in ~/.m2/settings.xml, or Central itself. Without a slash at the end. */
export const mavenRepository = async (env: NodeJS.ProcessEnv = process.env, settingsFile = join(homedir(), '.m2', 'settings.xml')): Promise<string> => {
  const settings = await readFile(settingsFile, 'utf8').catch(() => '');
  return (env.EVENTGRAPH_MAVEN_REPOSITORY || mirrorOfCentral(settings) || central).replace(/\/+$/, '');
};

/** As Maven reads `mirrorOf`: names, `*` for all, `!name` for all but one. */
const mirrorOfCentral = (settings: string): string | undefined => {
  for (const [, mirror = ''] of settings.replace(/<!--[^]*?-->/g, '').matchAll(/<mirror>([^]*?)<\/mirror>/g)) {
    const [of, url] = ['mirrorOf', 'url'].map((name) => new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(mirror)?.[1] ?? '');
    const names = (of ?? '').split(',').map((name) => name.trim());
    if (url && !names.includes('!central') && names.some((name) => ['*', 'external:*', 'central'].includes(name))) return url;
  }
  return undefined;
};

export type MavenFile = { readonly group: string; readonly artifact: string; readonly version: string; readonly extension: string; /** SHA-256 in hex. */ readonly sha256: string };

/** Throws a ConfigError for a file that cannot be had or is another one. */
export const fetchFromMaven = async ({ group, artifact, version, extension, sha256 }: MavenFile): Promise<Buffer> => {
  const url = `${await mavenRepository()}/${group.replaceAll('.', '/')}/${artifact}/${version}/${artifact}-${version}.${extension}`;
  const bytes = await fetch(url, { signal: AbortSignal.timeout(longestMs) }).then(
    async (response) => {
      if (!response.ok) throw new Error(`${response.status}`);
      return Buffer.from(await response.arrayBuffer());
    },
  ).catch((error: unknown) => {
    throw new ConfigError(`${artifact} ${version} cannot be fetched from ${url}: ${String(error)}. EVENTGRAPH_MAVEN_REPOSITORY may name another repository.`, { variable: 'EVENTGRAPH_MAVEN_REPOSITORY' });
  });
  const found = sha256Hex(bytes);
  if (found !== sha256) throw new ConfigError(`${url} is not the file that is expected: its SHA-256 is ${found}.`, { expected: sha256 });
  return bytes;
};
