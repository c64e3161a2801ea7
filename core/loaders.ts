/** What DataLoaders are made with. */

/** One loader for each set of arguments, so that a field batches over events whatever its arguments are. */
export const perArguments = <Arguments extends unknown[], Loader>(make: (...args: Arguments) => Loader): ((...args: Arguments) => Loader) => {
  const loaders = new Map<string, Loader>();
  return (...args) => {
    const key = JSON.stringify(args[0]);
    const loader = loaders.get(key) ?? make(...args);
    loaders.set(key, loader);
    return loader;
  };
};

/** The rows of these ids, in their order; null where there is none. */
export const inOrder = <Row extends { id: string }>(ids: readonly string[], rows: readonly Row[]): (Row | null)[] => {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
};
