import { describe, expect, test } from 'vitest';
import { withProductTypes } from './product-types.ts';

const events = 'type Query { a: Int }\n\n"Any event."\ninterface Event @key(fields: "id") @cacheControl(maxAge: 60) {\n  "Hub-wide."\n  id: ID!\n  "Its name."\n  name: String!\n}\n';
const gate = '"Of a gate system."\ntype GateEvent @key(fields: "id") { "The gate system\'s." id: ID! gates: Int }';

describe('the types of products in the schema of events', () => {
  test('have the fields of the interface, the description of the product and its words on the id', () => {
    expect(withProductTypes(events, [gate]).slice(events.length)).toContain(
      '"Of a gate system."\ntype GateEvent implements Event @key(fields: "id") @cacheControl(maxAge: 60) {\n  "The gate system\'s."\n  id: ID!\n  "Its name."\n  name: String!\n}\n',
    );
  });

  test('are in the order of their names and made once, however often they are made', () => {
    const made = withProductTypes(events, [gate, 'type AEvent @key(fields: "id") { id: ID! }']);
    expect([...made.matchAll(/^type (\w+) implements/gm)].map(([, name]) => name)).toEqual(['AEvent', 'GateEvent']);
    expect(withProductTypes(made, [gate, 'type AEvent @key(fields: "id") { id: ID! }'])).toBe(made);
    expect(withProductTypes(made, [gate])).not.toContain('AEvent');
  });

  test('are none of what is no product: the interface object of the others, what is not known by its id alone, other types', () => {
    const others = ['type Event @interfaceObject @key(fields: "id") { id: ID! }', 'type OldEvent @key(fields: "id year") { id: ID! year: Int! }', 'type Gate @key(fields: "id") { id: ID! }', 'type LogEvent { id: ID! }'];
    expect(withProductTypes(events, others)).not.toContain('implements');
  });
});
