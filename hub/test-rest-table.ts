/** `docs/rest.md`'s table and examples, made from the OpenAPI document and from what a run was answered. */
import type { Example, OpenapiDocument, OpenapiOperation } from '#gateway/rest/openapi.ts';

/** Column widths are left to whoever renders it. */
export const tableOf = (document: OpenapiDocument, seen: Readonly<Record<string, Example>>): string => {
  const rows = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => row(path, method, operation)));
  const examples = Object.entries(seen)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, example]) => exampleOf(name, example, document));
  return ['| request | operation | success | mistakes | parameters |', '| --- | --- | --- | --- | --- |', ...rows, '', ...examples].join('\n');
};

const row = (path: string, method: string, operation: OpenapiOperation): string => {
  const statuses = Object.keys(operation.responses).map(Number);
  const [name = ''] = operation.operationId.split('_');
  const parameters = (operation['parameters'] as readonly { readonly name: string; readonly required: boolean }[]).map((each) => `\`${each.name}\`${each.required ? '' : '?'}`);
  return `| \`${method.toUpperCase()} ${path}\` | [\`${name}\`](#${name.toLowerCase()}) | ${statuses.filter((status) => status < 300).join(' ')} | ${statuses.filter((status) => status >= 400 && status < 500).join(' ')} | ${parameters.join(', ')} |`;
};

const exampleOf = (name: string, { path, body, answer }: Example, document: OpenapiDocument): string => {
  const operations = Object.values(document.paths).flatMap((methods) => Object.entries(methods));
  const [method = 'get', operation] = operations.find(([, each]) => each.operationId === name) ?? [];
  const sent = body === undefined ? [] : ['', '```json', JSON.stringify(body, null, 2), '```'];
  return [`### ${name}`, '', `${String(operation?.['summary'] ?? '')}: \`${method.toUpperCase()} ${path}\``, ...sent, '', 'answers', '', '```json', JSON.stringify(answer, null, 2), '```', ''].join('\n');
};
