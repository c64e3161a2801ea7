/** `npm run test:pretix`: what needs the real pretix, installed once. Each file has a server of its own, and waits for most of its time. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/pretix*.e2e.ts'], globalSetup: ['./vitest.pretix.setup.ts'], maxWorkers: 3, testTimeout: 600_000, hookTimeout: 600_000 },
});
