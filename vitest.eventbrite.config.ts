/** `npm run test:eventbrite`: the contract, over Eventbrite itself. Needs a token: see subgraphs/eventbrite/README.md. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/eventbrite*.e2e.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
});
