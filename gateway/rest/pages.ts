/** The REST surface described: `/api/openapi.json`, and a page to try it at `/api/docs/`, with nothing from elsewhere. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { OpenapiDocument } from './openapi.ts';
import { rememberLast } from './remember-last.ts';

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Eventgraph REST API</title>
    <link rel="icon" href="favicon-32x32.png">
    <link rel="stylesheet" href="swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="swagger-ui-bundle.js"></script>
    <script src="start.js"></script>
  </body>
</html>
`;

/** A file of its own, as the page's policy takes no script within it. */
const start = `SwaggerUIBundle({ url: '../openapi.json', dom_id: '#api', deepLinking: true, tryItOutEnabled: true, validatorUrl: null });\n`;

const files = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript', 'favicon-32x32.png': 'image/png' };

/** A plugin to be registered with the prefix `/api`. */
export const restPages = (document: () => OpenapiDocument) => async (app: FastifyInstance): Promise<void> => {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const textOf = rememberLast((now: OpenapiDocument) => JSON.stringify(now));
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(textOf(document())));
  app.get('/docs', (_request, reply) => reply.redirect('/api/docs/'));
  app.get('/docs/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  app.get('/docs/start.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(start));
  for (const [name, type] of Object.entries(files)) {
    const content = await readFile(join(folder, name));
    app.get(`/docs/${name}`, (_request, reply) => reply.type(type).header('cache-control', 'public, max-age=3600').send(content));
  }
};
