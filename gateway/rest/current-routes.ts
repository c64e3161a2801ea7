/** The routes as the supergraph has them that is served now: what parameters may be follows from its types. */
import type { Logger } from '#core/logging.ts';
import type { OperationFile } from '../documents/operation-files.ts';
import type { Gateway } from '../index.ts';
import { rememberLast } from './remember-last.ts';
import { type Route, compileRoutes } from './route.ts';

/** Always the same operations at the same paths; another list after each change of the supergraph. */
export type CurrentRoutes = () => readonly Route[];

/** Throws a ConfigError for what cannot be served; where that is so of a later supergraph, the routes stay as they were. */
export const currentRoutes = (files: readonly OperationFile[], { apiSchema }: Pick<Gateway, 'apiSchema'>, logger: Logger): CurrentRoutes => {
  let routes: readonly Route[] | null = null;
  const remade = rememberLast((schema: ReturnType<typeof apiSchema>): readonly Route[] => {
    try {
      routes = compileRoutes(files, schema);
    } catch (error) {
      if (routes === null) throw error;
      logger.error({ err: error }, 'REST stays as the supergraph before has it');
    }
    return routes;
  });
  remade(apiSchema());
  return () => remade(apiSchema());
};
