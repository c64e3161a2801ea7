import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './vitest.sequence.ts';

export default defineConfig({
  resolve: {
    alias: [
      // Node loads graphql's CommonJS for everybody; Vite would load its module build beside it, and graphql refuses two.
      { find: /^graphql$/, replacement: fileURLToPath(new URL('./node_modules/graphql/index.js', import.meta.url)) },
      // Only those who import it pay for it.
      { find: /^fast-check$/, replacement: fileURLToPath(new URL('./vitest.properties.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ['**/*.test.ts', 'e2e/*.e2e.ts'],
    // What installs something first has a configuration of its own.
    exclude: ['**/node_modules/**', '.eventgraph*/**', 'e2e/pretix*.e2e.ts', 'e2e/keycloak*.e2e.ts', 'e2e/eventbrite*.e2e.ts', 'e2e/schemathesis*.e2e.ts', 'dashboard/**', 'integrations/**'],
    globalSetup: ['./vitest.setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Limits are for what hangs, not for a machine that has much else to do.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: 0,
    expect: { requireAssertions: true, poll: { timeout: 20_000 } },
  },
});
