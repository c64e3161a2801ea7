/**
 * Who may know whom. Rooms are folders; core/ stands below all of them, main.ts and hub/ assemble them, and nobody
 * imports those. Tests may import what they test, and simulators.
 */
const rooms = ['core', 'gateway', 'ingest', 'subgraphs', 'simulators', 'hub', 'scripts', 'bench', 'e2e'];
const entry = '^[^/]+\\.ts$';

/** Tests and what only they use. */
const test = '\\.(test|e2e)\\.ts$|[/-]test-[a-z-]+\\.ts$|^gateway/testing/|^core/testing[a-z-]*\\.ts$|^simulators/[a-z]+/(contract|expected-counts)\\.ts$';
const product = '^(core|gateway|ingest|subgraphs|hub|simulators)/|^main\\.ts$';
/** Stand outside the hub and may look into all of it. */
const outside = '^(bench|e2e|scripts)/|^(vitest|codegen)\\.';

const everythingBut = (...allowed) => `^(${rooms.filter((room) => !allowed.includes(room)).join('|')})/|${entry}`;
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    forbid('core-knows-libraries-only', 'core/ stands below every room.', { path: '^core/', pathNot: test }, { path: everythingBut('core') }),
    forbid('subgraphs-know-core-only', 'A subgraph stands on core/ alone.', { path: '^subgraphs/', pathNot: test }, { path: everythingBut('core', 'subgraphs') }),
    forbid('subgraphs-do-not-know-each-other', "Another subgraph's data comes through the graph or as a domain event.", { path: '^subgraphs/([^/]+)/' }, { path: '^subgraphs/', pathNot: '^subgraphs/$1/' }),
    forbid('ingest-knows-core-only', 'ingest/ is handed connectors and fact handlers.', { path: '^ingest/', pathNot: test }, { path: everythingBut('core', 'ingest') }),
    forbid('gateway-knows-core-only', 'gateway/ knows subgraphs by the supergraph alone.', { path: '^gateway/', pathNot: test }, { path: everythingBut('core', 'gateway') }),
    forbid('simulators-do-not-know-the-hub', "A simulator stands for somebody else's product.", { path: '^simulators/', pathNot: test }, { path: '^(gateway|ingest|subgraphs|hub)/|^main\\.ts$' }),
    forbid('nobody-knows-the-assembly', 'main.ts and hub/ put the rooms together.', { path: '^(?!hub/|main\\.ts$)', pathNot: `${test}|${outside}` }, { path: '^hub/|^main\\.ts$' }),
    forbid('no-tests-in-the-product', 'What only tests need stays with them.', { path: product, pathNot: test }, { path: `${test}|^(bench|e2e)/` }),
    forbid('no-cycles-at-run-time', 'A reader must find a first file.', {}, { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }),
    forbid('no-undeclared-packages', 'A package that is imported is in package.json.', {}, { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] }),
    forbid('no-dev-packages-in-the-product', 'A production install has no dev dependencies.', { path: product, pathNot: test }, { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] }),
    // The benches install what they compare with when they need it.
    forbid('nothing-unresolved', 'Every import leads somewhere.', { pathNot: '^bench/peers/' }, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(explorer|dashboard|integrations|coverage|\\.eventgraph[^/]*)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
