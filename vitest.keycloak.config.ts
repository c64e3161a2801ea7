/** `npm run test:keycloak`: what needs a real Keycloak. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/keycloak*.e2e.ts'], fileParallelism: false, testTimeout: 300_000, hookTimeout: 900_000 },
});
