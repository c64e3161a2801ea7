/**
 * Builds the explorer (GraphiQL with its editor's workers, no CDN) into `explorer/dist`. Does nothing when the last
 * build was made from the same sources and packages.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const source = join(root, 'explorer');
const dist = join(source, 'dist');
const stampName = '.built-from';
const files = ['explorer/index.html', 'explorer/main.js', 'explorer/main.css', 'scripts/build-explorer.ts', ...['graphiql', '@graphiql/react', '@graphiql/toolkit', 'graphql', 'graphql-ws', 'react', 'vite'].map((name) => `node_modules/${name}/package.json`)];

/** Where the gateway serves it. */
const base = '/explorer/';

const fingerprint = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(await readFile(join(root, file)));
  return hash.digest('hex');
};

/** Builds when needed. Answers the folder that is to be served at `/explorer/`. */
export const ensureExplorer = async (): Promise<string> => {
  const from = await fingerprint();
  if ((await readFile(join(dist, stampName), 'utf8').catch(() => '')) === from) return dist;
  // Loaded only now: an explorer that is up to date needs no bundler.
  const { build } = await import('vite');
  // Built aside and moved into place whole: several processes may want it at once.
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const aside = await mkdtemp(join(cache, 'explorer-'));
  await build({
    root: source,
    base,
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    worker: { format: 'es' },
    build: { outDir: aside, emptyOutDir: true, chunkSizeWarningLimit: 8_000, reportCompressedSize: false, sourcemap: false },
  });
  await writeFile(join(aside, stampName), from);
  await rm(dist, { recursive: true, force: true });
  await rename(aside, dist).catch(async (error: NodeJS.ErrnoException) => {
    await rm(aside, { recursive: true, force: true });
    // Another process was faster, with the same.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return dist;
};

if (import.meta.main) {
  const started = performance.now();
  console.log(`${await ensureExplorer()} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
