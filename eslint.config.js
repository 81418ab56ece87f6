import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/**
 * Imports point one way: gateway, cli → client → Temporal → workflow → activity → outside. For each folder, what it may
 * not import. `contract` and `policy` are leaves; workflows know activities by type only.
 */
const rooms = ['activities', 'local', 'outside', 'survey', 'workflows'];
const processes = ['cli', 'client', 'config', 'gateway', 'histories', 'rehearse', 'replay', 'start', 'worker'];
const not = (...names) => ({
  regex: `^(\\.\\./)+(src/)?(${names.join('|')})(/|\\.js$)`,
  message: 'Imports point along the way of a report (ARCHITECTURE.md).',
});
const packages = { regex: '^[^.]', message: 'This folder imports no package.' };

const boundaries = {
  contract: [not(...rooms, ...processes, 'policy'), packages],
  policy: [not(...rooms, ...processes), packages],
  survey: [not('activities', 'local', 'outside', 'workflows', ...processes)],
  outside: [not('activities', 'local', 'workflows', ...processes)],
  activities: [not('local', 'workflows', ...processes)],
  workflows: [
    not('local', 'outside', 'survey', ...processes),
    { ...not('activities'), allowTypeImports: true },
    {
      regex: '^(?!\\.|@temporalio/(workflow|common)$)',
      message: 'Workflow code is bundled and replayed: only @temporalio/workflow and common.',
    },
  ],
  gateway: [not('activities', 'local', 'workflows', 'cli', 'replay', 'start', 'worker')],
  local: [not('activities', 'gateway', 'survey', 'workflows', 'cli', 'client', 'replay', 'start', 'worker')],
};

export default tseslint.config(
  { ignores: ['dist', 'coverage', '.closeout', 'test/fixtures'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.js'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowNullish: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Messages and replies of other systems are less sure than their types say.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 320, skipBlankLines: true, skipComments: true }],
      'max-depth': ['error', 3],
    },
  },
  ...Object.entries(boundaries).map(([room, patterns]) => ({
    files: [`src/${room}/**`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  })),
  {
    files: ['src/workflows/**'],
    rules: { 'no-restricted-globals': ['error', 'process', 'setInterval', 'setImmediate'] },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  prettier,
);
