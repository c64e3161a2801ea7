import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type IConfiguration, type ICruiseResult, cruise } from 'dependency-cruiser';
import { expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };

const configFile = new URL('../.dependency-cruiser.js', import.meta.url).href;
const { default: config } = (await import(configFile)) as { default: IConfiguration };

/** Rules broken in a house with these files, each given as its imports; `file rule`, one a line. */
const broken = async (files: Record<string, readonly string[]>): Promise<string[]> => {
  const house = await mkdtemp(join(tmpdir(), 'eventgraph-imports-'));
  try {
    await writeFile(join(house, 'package.json'), JSON.stringify({ type: 'module', imports: packageJson.imports }));
    for (const [file, imports] of Object.entries(files)) {
      await mkdir(dirname(join(house, file)), { recursive: true });
      await writeFile(join(house, file), [...imports.map((from, index) => `import * as i${index} from '${from}'; console.log(i${index});`), 'export {};'].join('\n'));
    }
    const { output } = await cruise(Object.keys(files), { ...config.options, baseDir: house, validate: true, ruleSet: { forbidden: config.forbidden } });
    return (output as ICruiseResult).summary.violations.map(({ from, rule }) => `${from} ${rule.name}`).sort();
  } finally {
    await rm(house, { recursive: true, force: true });
  }
};

const rooms = { 'core/errors.ts': [], 'gateway/plan.ts': ['#core/errors.ts'], 'ingest/pull.ts': ['../core/errors.ts'], 'subgraphs/events/index.ts': ['#core/errors.ts'], 'simulators/gates/index.ts': [], 'hub/hub.ts': ['#gateway/plan.ts', '#ingest/pull.ts', '#subgraphs/events/index.ts', '#simulators/gates/index.ts'], 'main.ts': ['./hub/hub.ts'] };

test('a house that keeps the rules breaks none', async () => {
  expect(await broken({ ...rooms, 'gateway/plan.test.ts': ['#simulators/gates/index.ts', '#subgraphs/events/index.ts'], 'e2e/start.e2e.ts': ['../hub/hub.ts'], 'bench/pull.bench.ts': ['../hub/hub.ts'] })).toEqual([]);
});

test.each<[file: string, imported: string, ...rules: string[]]>([
  ['core/jobs.ts', '#gateway/plan.ts', 'core-knows-libraries-only'],
  ['core/jobs.ts', '../main.ts', 'core-knows-libraries-only', 'nobody-knows-the-assembly'],
  ['gateway/execute.ts', '#subgraphs/events/index.ts', 'gateway-knows-core-only'],
  ['gateway/execute.ts', '../hub/hub.ts', 'gateway-knows-core-only', 'nobody-knows-the-assembly'],
  ['ingest/push.ts', '#simulators/gates/index.ts', 'ingest-knows-core-only'],
  ['subgraphs/roi/index.ts', '#subgraphs/events/index.ts', 'subgraphs-do-not-know-each-other'],
  ['subgraphs/roi/index.ts', '#gateway/plan.ts', 'subgraphs-know-core-only'],
  ['simulators/gates/routes.ts', '#ingest/pull.ts', 'simulators-do-not-know-the-hub'],
  ['hub/demo.ts', '#gateway/plan.test.ts', 'no-tests-in-the-product'],
  ['gateway/execute.ts', './nowhere.ts', 'nothing-unresolved'],
  ['gateway/execute.ts', 'left-pad', 'nothing-unresolved'],
])('%s may not import %s', async (file, imported, ...rules) => {
  expect(await broken({ ...rooms, 'gateway/plan.test.ts': [], [file]: [imported] })).toEqual(rules.map((rule) => `${file} ${rule}`));
});
