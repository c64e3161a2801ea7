/** `npm run bench [-- NAME]`: runs the benches, or the one whose file begins so, one after the other. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const wanted = process.argv[2] ?? '';
const failed = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts') && file.startsWith(wanted))
  .filter((file) => spawnSync(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' }).status !== 0);
if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
