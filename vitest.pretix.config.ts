/** `npm run test:pretix`: what needs the real pretix. One file after the other, as each may start a server. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/pretix*.e2e.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 600_000 },
});
