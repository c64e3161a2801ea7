/** A REST door over a small supergraph, a real server and a real database, for tests. */
import type { AllowedOrigins } from '#core/config.ts';
import { openTestHub } from '#core/testing-hub.ts';
import { UnauthenticatedError } from '#core/errors.ts';
import { silentLogger } from '#core/testing.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import type { Budgets } from '../doors/admission.ts';
import { createAdmission } from '../doors/admission.ts';
import { createHttpServer } from '../doors/http.ts';
import { readOperationFile } from '../documents/operation-files.ts';
import type { Gateway } from '../index.ts';
import { type TestSubgraph, startGateway } from '../testing/kit.ts';
import { currentRoutes } from './current-routes.ts';
import { restDoor } from './door.ts';
import { createIdempotencyKeys } from './idempotency.ts';

export type TestDoor = AsyncDisposable & {
  readonly clock: { now: Date };
  /** The body is JSON, or null where there is none. */
  ask(path: string, options?: AskOptions): Promise<Told>;
  readonly gateway: Gateway;
  /** Rows of idempotency keys, as text. */
  stored(): Promise<string>;
};
export type AskOptions = { readonly method?: string; readonly key?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };
export type Told = { readonly status: number; readonly headers: Headers; readonly body: Body };
/** What tests look at of whatever was answered. */
export type Body = { readonly ids: readonly string[]; readonly number: number; readonly status: number; readonly code: string; readonly field: string; readonly errors: readonly { readonly field: string; readonly code: string }[] };

export type TestDoorOptions = { readonly subgraphs: readonly TestSubgraph[]; readonly operations: readonly string[]; readonly viewers?: Readonly<Record<string, Viewer>>; readonly budgets?: Budgets; readonly bodyLimit?: number; readonly origins?: AllowedOrigins };

export const openTestDoor = async ({ subgraphs, operations, viewers = {}, budgets, bodyLimit, origins }: TestDoorOptions): Promise<TestDoor> => {
  await using stack = new AsyncDisposableStack();
  const { hub, clock } = stack.use(await openTestHub());
  const { gateway } = startGateway(subgraphs, { report: () => undefined });
  stack.defer(() => gateway.dispose());
  const identify = async (credential: string | null): Promise<Viewer> => {
    if (credential === null) return publicViewer;
    const viewer = viewers[credential];
    if (!viewer) throw new UnauthenticatedError();
    return viewer;
  };
  const { app } = await createHttpServer({ gateway, identify, logger: silentLogger, limits: { bodyLimit }, origins });
  stack.defer(() => app.close());
  const routes = currentRoutes(operations.map((text, index) => readOperationFile(`${index}.graphql`, text)), gateway, silentLogger);
  const idempotency = createIdempotencyKeys(hub);
  await app.register(restDoor({ routes, gateway, admission: createAdmission({ gateway, budgets }), idempotency, identify, logger: silentLogger }), { prefix: '/api' });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const opened = stack.move();
  return {
    clock,
    gateway,
    async ask(path, { method, key, body, headers = {} } = {}) {
      const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
      const response = await fetch(`${url}${path}`, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers }, ...sent });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: JSON.parse(text === '' ? 'null' : text) as Body };
    },
    stored: async () => JSON.stringify(await hub.database.em().getConnection().execute('select * from hub.idempotency_keys')),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
};
