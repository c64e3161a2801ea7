/** The tables of README.md and docs/operations.md, held to the variables that there are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig, variables } from './config.ts';

type Row = { readonly variable: string; readonly default: string };

const cellsOf = (line: string): string[] => line.split('|').slice(1, -1).map((cell) => cell.trim());

/** Rows of the tables with a column `variable` or `set by` beside one `default`; a row that sets nothing has an empty cell. */
const rowsOf = (file: string): Row[] => {
  const rows: Row[] = [];
  let columns: readonly string[] = [];
  for (const line of readFileSync(join(import.meta.dirname, '..', file), 'utf8').split('\n')) {
    const cells = line.startsWith('|') ? cellsOf(line) : [];
    if (cells.length === 0) columns = [];
    else if (columns.length === 0) columns = cells;
    const [name, value] = [columns.findIndex((column) => column === 'variable' || column === 'set by'), columns.indexOf('default')];
    if (cells === columns || name === -1 || value === -1 || !cells[name]?.startsWith('`')) continue;
    rows.push({ variable: cells[name].replaceAll('`', ''), default: cells[value] ?? '' });
  }
  return rows;
};

const rows = ['README.md', 'docs/operations.md'].flatMap(rowsOf).filter(({ variable }) => !/^SUBGRAPH_</.test(variable));

/** A default that can be said as it stands: in backticks, or a number. */
const literalIn = (text: string): string | undefined => (/^[\d,]+$/.test(text) ? text.replaceAll(',', '') : /^`([^`]+)`$/.exec(text)?.[1]);

describe('the documentation', () => {
  test('has every variable in one row of one table, and no other', () => {
    expect(rows.map(({ variable }) => variable).sort()).toEqual(Object.keys(variables.shape).sort());
  });

  test.each(rows)('tells the default of $variable', ({ variable, default: told }) => {
    const said = literalIn(told);
    if (said === undefined) expect(variables.shape[variable as keyof typeof variables.shape].safeParse(undefined).data).toBeUndefined();
    else expect(readConfig({ [variable]: said })).toEqual(readConfig({}));
  });
});
