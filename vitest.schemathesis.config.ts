/** `npm run test:schemathesis`: the REST surface, fuzzed by what its OpenAPI document says. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/schemathesis*.e2e.ts'], fileParallelism: false, testTimeout: 600_000, hookTimeout: 600_000 },
});
