/** The REST surface of the hub: its operations that are served over REST, their schemas and recorded examples. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { createAdmission } from '#gateway/doors/admission.ts';
import type { Budgets } from '#gateway/doors/admission.ts';
import type { Identify } from '#gateway/doors/credentials.ts';
import { readOperationFiles } from '#gateway/documents/operation-files.ts';
import type { Gateway } from '#gateway/index.ts';
import { currentRoutes } from '#gateway/rest/current-routes.ts';
import { restDoor } from '#gateway/rest/door.ts';
import { createIdempotencyKeys } from '#gateway/rest/idempotency.ts';
import type { JsonSchema } from '#gateway/rest/json-schema.ts';
import { type Example, type OpenapiDocument, openapiOf } from '#gateway/rest/openapi.ts';
import { restPages } from '#gateway/rest/pages.ts';
import { rememberLast } from '#gateway/rest/remember-last.ts';
import type { Route } from '#gateway/rest/route.ts';
import type { Foundation } from './foundation.ts';
import { operationsFolder, root } from './subgraphs.ts';

export type RestOptions = { readonly app: FastifyInstance; readonly gateway: Gateway; readonly identify: Identify; readonly budgets?: Budgets | undefined; readonly foundation: Foundation };

/**
 * Documents are not asked for: what is served here is the hub's own, which every client may send, also those that may
 * send nothing but persisted operations.
 */
export const addRest = async ({ app, gateway, identify, budgets, foundation: { hub } }: RestOptions): Promise<void> => {
  const { database, secrets, logger, now, publicUrl } = hub;
  const routes = currentRoutes(readOperationFiles(operationsFolder), gateway, logger);
  const idempotency = createIdempotencyKeys({ database, secrets, now });
  await app.register(restDoor({ routes, gateway, admission: createAdmission({ gateway, budgets }), idempotency, identify, logger }), { prefix: '/api' });
  const documentOf = rememberLast(describing(publicUrl));
  await app.register(restPages(() => documentOf(routes())), { prefix: '/api' });
};

const schemasFile = join(operationsFolder, 'rest', 'schemas.json');
export const examplesFile = join(operationsFolder, 'rest', 'examples.json');

const describing = (publicUrl: string): ((routes: readonly Route[]) => OpenapiDocument) => {
  const schemas = readJson(schemasFile) as Readonly<Record<string, JsonSchema>>;
  const examples = readJson(examplesFile) as Readonly<Record<string, Example>>;
  const { version } = readJson(join(root, 'package.json')) as { version: string };
  return (routes) => openapiOf({ routes, schemas, examples, version, oauthUrl: `${publicUrl}/oauth` });
};

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
