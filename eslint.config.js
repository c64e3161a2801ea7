/** Lint rules: types are never switched off, promises never float. Who may import whom is in .dependency-cruiser.js. */
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/generated/', 'explorer/dist/', 'dashboard/', 'integrations/', '.eventgraph*/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // Overflows the stack on recursive types (typescript-eslint 8.73).
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // A function that answers a promise says so with `async`, also where it has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // There are no classes here: what createX() answers needs no `this`.
      '@typescript-eslint/unbound-method': 'off',
      // GraphQL's own kinds and operations are compared with their words.
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // Calls assertions needless that give a literal its type, and its fix breaks the build.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // Blind to what a callback changes meanwhile.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // What is read as unknown is told with String(); what may or may not be a promise is waited for.
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/await-thenable': 'off',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      // The simulated pretix refuses a request by throwing its answer.
      '@typescript-eslint/only-throw-error': ['error', { allow: [{ from: 'file', name: 'Refused' }] }],
      // Matters of taste.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNullish: true, allow: [{ name: ['Error', 'URL'], from: 'lib' }, { name: 'URLSearchParams', from: 'package', package: '@types/node' }, { name: 'URLSearchParams', from: 'package', package: 'undici-types' }] }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
    },
  },
  {
    // Matchers and parsed answers are of type any; the assertion is the check.
    files: ['**/*.test.ts', '**/*.e2e.ts', '**/test-*.ts', 'gateway/testing/*.ts', 'simulators/*/contract.ts', 'bench/**'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
    },
  },
  {
    // Fastify's reply can be awaited, and need not be.
    files: ['gateway/doors/graphql-route.ts'],
    rules: { '@typescript-eslint/return-await': 'off' },
  },
);
