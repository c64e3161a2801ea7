/**
 * graphql-shield, in the form that loads on this Node.
 *
 * Its ES module build imports `util.isUndefined`, which Node removed in version 23, and so does not load; its
 * CommonJS build only misses it inside `chain` and `race`, which are left out here for that reason.
 */
import { createRequire } from 'node:module';
import type * as GraphqlMiddleware from 'graphql-middleware';
import type * as GraphqlShield from 'graphql-shield';

export type { IMiddlewareFunction, IMiddlewareTypeMap } from 'graphql-middleware';
export type { IRules } from 'graphql-shield';

const require = createRequire(import.meta.url);
const { allow, and, deny, not, or, rule, shield } = require('graphql-shield') as typeof GraphqlShield;
// The middleware must be of the same build: shield's result is told by its class.
const { applyMiddleware } = require('graphql-middleware') as typeof GraphqlMiddleware;
export { allow, applyMiddleware, and, deny, not, or, rule, shield };
