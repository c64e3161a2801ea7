/** DataLoaders for fields with arguments. */

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
