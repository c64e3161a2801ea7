/**
 * Before `npm start`: builds the explorer when it is stale. An install without dev dependencies has no bundler; there
 * the hub serves the explorer that was built before, or none.
 */
try {
  const { ensureExplorer } = await import('./build-explorer.ts');
  await ensureExplorer();
} catch (error) {
  console.error(`eventgraph: the explorer was not built (${(error as Error).message.split('\n')[0]}); starting without a new one.`);
}
