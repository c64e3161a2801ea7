/**
 * `npm run check`: all that can be said of the code without running it. Lint takes as long as everything else together,
 * and so it has a row of its own. Each part tells what it has to tell when it is through.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Rows go on beside each other; the commands of one, one after the other. */
const rows: readonly (readonly string[])[] = [
  ['eslint .'],
  ['tsc', 'npm run -s check:imports', 'node scripts/compose.ts --check', 'node scripts/operations.ts --check', 'node codegen.ts --check'],
];

/** Whether nothing is wrong. npm has put the programs into the path. */
const run = async (command: string): Promise<boolean> => {
  const started = performance.now();
  const child = spawn(`${command} 2>&1`, { shell: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<boolean>((resolve) => child.once('close', (code) => resolve(code === 0)));
  const [said, isGood] = await Promise.all([text(child.stdout), ended]);
  console.log(`${said}${isGood ? 'good' : 'FAILED'}: ${command} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return isGood;
};

const outcomes = await Promise.all(
  rows.map(async (commands) => {
    const good: boolean[] = [];
    for (const command of commands) good.push(await run(command));
    return good;
  }),
);
if (!outcomes.flat().every(Boolean)) process.exitCode = 1;
