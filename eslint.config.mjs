import { builtinModules } from 'node:module';
import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** The folders of src from the bottom to the top: each may import those before it, none after it. */
const layers = [
  ['lib'],
  ['contract'],
  ['config', 'egress', 'workflows'],
  ['store'],
  ['telemetry'],
  ['temporal'],
  ['http'],
  ['providers'],
  ['dispatch'],
  ['activities'],
  ['api'],
  ['embedded'],
  ['server'],
  ['cli'],
];

/** The client library knows nothing but the API's types; nothing in src knows the tools. */
const zones = [
  ...layers.slice(0, -1).map((folders, index) => ({
    target: folders.map((folder) => `./src/${folder}`),
    from: [...layers.slice(index + 1).flat(), 'client'].map((folder) => `./src/${folder}`),
    message: 'This import goes against the layers that eslint.config.mjs lists.',
  })),
  { target: './src/client', from: layers.flat().map((folder) => `./src/${folder}`) },
  { target: './src', from: './tools' },
];

const withoutPrefix = {
  regex: `^(${builtinModules.filter((name) => !name.startsWith('_') && !name.startsWith('node:')).join('|')})$`,
  message: 'Write node: before the names of modules that come with Node.js.',
};

/** Words that were replaced by the field's own; CONTRIBUTING.md has the glossary. */
const retired = [
  ...['burst', 'bursts', 'carry', 'carried', 'carrier', 'lane', 'lanes', 'told', 'startable', 'startables'],
  ...['verdict', 'judge', 'obey', 'orders', 'upkeep', 'handOver', 'turnAway', 'comeBackInMs', 'slots', 'pulse'],
  ...['findPlace', 'placeOf', 'beginning', 'furnish', 'desk', 'patient', 'insist', 'whoever', 'surroundings'],
];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'tools/out/', 'tools/bench/results/', '.pigeonpost/', 'node_modules/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.tsx', '.js'], extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } }),
      ],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      'id-denylist': ['error', ...retired],
      'no-restricted-imports': ['error', { patterns: [withoutPrefix] }],
      'no-useless-rename': 'error',
      'object-shorthand': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_+$', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/require-await': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['src/client/generated.ts'], rules: { 'max-lines': 'off' } },
  {
    files: ['src/**/*.ts', 'tools/**/*.ts', 'dashboard/**/*.{ts,tsx}'],
    rules: {
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 20],
    },
  },
  {
    files: ['src/workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            withoutPrefix,
            { group: ['node:*'], message: 'Workflows are deterministic: no module of Node.js.' },
          ],
        },
      ],
    },
  },
  { files: ['dashboard/**/*.{ts,tsx}'], ...reactHooks.configs.flat.recommended },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly', fetch: 'readonly' },
    },
  },
  {
    files: ['**/*.cjs', '**/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { module: 'writable', require: 'readonly', __dirname: 'readonly' },
    },
  },
  prettier,
);
