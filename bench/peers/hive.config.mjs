/**
 * Hive Gateway as it is meant to run in production, read by its command line. What may be shared is the only setting that
 * changes: nothing, identical fetches in flight (its default), or whole identical requests as well.
 */
import { defineConfig } from '@graphql-hive/gateway';

const sharing = process.env.BENCH_SHARING;

export const gatewayConfig = defineConfig({
  logging: 'error',
  graphiql: false,
  landingPage: false,
  inboundInflightRequestDeduplication: sharing === 'requests',
  transportEntries: { '*.http': { options: { deduplicateInflightRequests: sharing !== 'off' } } },
});
