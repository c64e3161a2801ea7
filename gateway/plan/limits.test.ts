/** Documents at every limit are planned and answered; one step beyond is refused with the name of the limit. */
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../limits.ts';
import { startGateway, subgraph } from '../testing/kit.ts';

const thing = { id: '1', name: 'one' };
const { ask } = startGateway([
  subgraph('a', 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! self: Thing }', { Query: { thing: () => thing }, Thing: { __resolveReference: (reference: object) => reference, self: () => thing } }),
  subgraph('b', 'type Thing @key(fields: "id") { id: ID! name: String other: Thing }', { Thing: { __resolveReference: () => thing, other: () => thing } }),
]);

const repeat = (count: number, part: (index: number) => string): string => Array.from({ length: count }, (_, index) => part(index)).join(' ');
/** So many levels that change the subgraph at each step. */
const nested = (depth: number): string => `{ thing ${repeat(depth - 2, (index) => (index % 2 === 0 ? '{ other' : '{ self'))} { name ${'} '.repeat(depth - 1)} }`;
const fields = (count: number): string => `{ thing { ${repeat(Math.floor(count / 20), () => '...F')} } } fragment F on Thing { ${repeat(19, () => 'name')} }`;

describe('a document at the limit', () => {
  test.each([
    ['of depth', nested(defaultLimits.maxDepth)],
    ['of aliases', `{ thing { ${repeat(defaultLimits.maxAliases, (index) => `a${index}: name`)} } }`],
    ['of root fields', `{ ${repeat(defaultLimits.maxRootFields, (index) => `t${index}: thing { name }`)} }`],
    ['of fields, fragments spread', fields(defaultLimits.maxFields - 100)],
    ['of length', `{ thing { name } } #${'x'.repeat(defaultLimits.maxDocumentLength - 20)}`],
  ])('%s is planned and answered', async (_, query) => {
    const { data, errors } = await ask(query);
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).toContain('one');
  });

  test.each([
    ['of depth', nested(defaultLimits.maxDepth + 1), 'MAX_DEPTH_EXCEEDED'],
    ['of aliases', `{ thing { ${repeat(defaultLimits.maxAliases + 1, (index) => `a${index}: name`)} } }`, 'MAX_ALIASES_EXCEEDED'],
    ['of root fields', `{ ${repeat(defaultLimits.maxRootFields + 1, (index) => `t${index}: thing { name }`)} }`, 'MAX_ROOT_FIELDS_EXCEEDED'],
    ['of fields, fragments spread', fields(defaultLimits.maxFields * 2), 'MAX_FIELDS_EXCEEDED'],
    ['of length', `{ thing { name } } #${'x'.repeat(defaultLimits.maxDocumentLength)}`, 'MAX_DOCUMENT_LENGTH_EXCEEDED'],
  ])('%s, and one step beyond, is refused', async (_, query, code) => {
    expect(await ask(query)).toMatchObject({ errors: [{ extensions: { code } }] });
  });
});
