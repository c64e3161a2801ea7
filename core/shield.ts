/**
 * graphql-shield, in the form that loads on this Node.
 *
 * Its ES module build imports `util.isUndefined`, which Node removed in version 23, and so does not load; its
 * CommonJS build only misses it inside `chain` and `race`, which are left out here for that reason.
 */
import { createRequire } from 'node:module';
import type * as GraphqlShield from 'graphql-shield';

export type { IRules } from 'graphql-shield';

const { allow, and, deny, not, or, rule, shield } = createRequire(import.meta.url)('graphql-shield') as typeof GraphqlShield;
export { allow, and, deny, not, or, rule, shield };
