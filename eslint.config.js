import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';
import { importRule } from './import-rule.js';

const noState = 'A run has its state in a RunState, not in a module.';

export default tseslint.config(
  { ignores: ['dist', 'client', 'coverage', '.closeout'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', 'examples/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowNullish: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Messages and replies of other systems are less certain than their types say.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 100 }],
      'max-depth': ['error', 3],
    },
  },
  {
    files: ['src/**'],
    plugins: { closeout: { rules: { imports: importRule } } },
    rules: { 'closeout/imports': 'error' },
  },
  {
    files: ['src/workflows/**'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'setInterval', 'setImmediate'],
      // All runs share the modules. Objects are frozen when they are loaded.
      'no-restricted-syntax': [
        'error',
        { selector: ':matches(Program, ExportNamedDeclaration) > VariableDeclaration[kind="let"]', message: noState },
        { selector: 'Program > VariableDeclaration NewExpression[callee.name=/Map$|Set$/]', message: noState },
      ],
    },
  },
  // A describe block is a function.
  { files: ['test/**'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['examples/**'],
    languageOptions: { globals: { console: 'readonly', fetch: 'readonly', process: 'readonly' } },
  },
  prettier,
);
