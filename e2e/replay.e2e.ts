import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createHubClient } from '#scripts/replay/hub-client.ts';
import { replay, same } from '#scripts/replay.ts';
import { makeDataDir, plainHub, startHubProcess } from './hub-process.ts';

/** Where the real badge scans lie beside a clone; a few made ones stand in for them elsewhere. */
const realFile = join(import.meta.dirname, '../../shared/real-checkins/conference-2019-days-1-3.csv');
const made = ['session,participant,institution,type,at', ...Array.from({ length: 60 }, (_, row) => `${row % 3 ? 'HALL' : 'LAB'},p${row % 37},i,${row % 11 ? 'join' : 'question'},2019-05-06T0${8 + Math.floor(row / 40)}:${String(row % 60).padStart(2, '0')}:10`)].join('\n');

test("every session's totals come out of the graph as a count over the file gives them", async () => {
  const text = await readFile(realFile, 'utf8').catch(() => made);
  await using folder = await makeDataDir();
  await using hub = await startHubProcess(await plainHub(folder.path));
  const comparisons = await replay({ text, zone: 'America/Sao_Paulo', prefix: 'replayed', speed: 50_000, hub: createHubClient(hub.url, hub.adminKey), say: () => undefined });
  expect(comparisons.filter((comparison) => !same(comparison))).toEqual([]);
  expect(comparisons.length).toBeGreaterThan(1);
}, 600_000);
