/**
 * The import rule: which folder of src/ may import which. A folder that has no row here may neither import nor be imported.
 * `x.ts` at the top of src/ belongs to the folder `x`.
 */
import { dirname, relative, resolve, sep } from 'node:path';

const noPackages = /^$/;
const anyPackage = /./;

/** @type {Record<string, { imports: string[], types?: string[], packages: RegExp }>} */
export const folders = {
  contract: { imports: [], packages: noPackages },
  // A package of its own.
  'http-client': { imports: [], packages: noPackages },
  policy: { imports: ['contract'], packages: noPackages },
  workflows: {
    imports: ['contract', 'policy'],
    types: ['activities'],
    // Workflow code is bundled and replayed.
    packages: /^@temporalio\/(workflow|common)$/,
  },
  tmf621: { imports: ['contract'], packages: anyPackage },
  views: { imports: [], packages: anyPackage },
  customer: { imports: ['contract', 'policy', 'views'], packages: anyPackage },
  operator: { imports: ['contract', 'policy', 'customer'], packages: anyPackage },
  outside: { imports: ['contract', 'policy', 'tmf621', 'customer', 'operator'], packages: anyPackage },
  activities: { imports: ['contract', 'policy', 'customer', 'operator', 'outside', 'systems'], packages: anyPackage },
  setup: { imports: ['contract', 'policy', 'customer'], packages: anyPackage },
  client: {
    imports: ['contract', 'policy', 'customer', 'operator', 'outside', 'setup'],
    packages: anyPackage,
  },
  gateway: {
    imports: ['contract', 'policy', 'tmf621', 'views', 'customer', 'operator', 'setup', 'systems', 'client'],
    packages: anyPackage,
  },
  systems: { imports: ['contract', 'policy', 'operator', 'outside', 'setup'], packages: anyPackage },
  events: { imports: ['contract', 'tmf621', 'customer', 'outside', 'setup', 'systems'], packages: anyPackage },
  worker: { imports: ['contract', 'activities', 'outside', 'events', 'systems', 'setup'], packages: anyPackage },
  local: { imports: ['contract'], packages: anyPackage },
  start: { imports: ['contract', 'setup', 'client', 'local'], packages: anyPackage },
  'incident-log': { imports: ['contract', 'policy', 'customer', 'client'], packages: anyPackage },
  cli: {
    imports: [
      'contract',
      'policy',
      'customer',
      'operator',
      'setup',
      'systems',
      'client',
      'incident-log',
      'gateway',
      'worker',
      'start',
    ],
    packages: anyPackage,
  },
};

const src = resolve(import.meta.dirname, 'src');
const folderOf = (path) => (relative(src, path).split(sep)[0] ?? '').replace(/\.[jt]s$/, '');

/** Why a file may not import this; undefined if it may. */
function refusal(file, specifier, isType) {
  const folder = folderOf(file);
  const row = folders[folder];
  if (!row) return `${folder} has no row in import-rule.js.`;
  if (!specifier.startsWith('.'))
    return row.packages.test(specifier) ? undefined : `${folder} may not import the package ${specifier}.`;
  const target = folderOf(resolve(dirname(file), specifier));
  const isAllowed = target === folder || row.imports.includes(target) || (isType && row.types?.includes(target));
  return isAllowed ? undefined : `${folder} may not import from ${target}: see import-rule.js.`;
}

const isTypeOnly = ({ importKind, exportKind, specifiers = [] }) =>
  importKind === 'type' ||
  exportKind === 'type' ||
  (specifiers.length > 0 && specifiers.every((specifier) => specifier.importKind === 'type'));

/** @type {import('eslint').Rule.RuleModule} */
export const importRule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return;
      const message = refusal(context.filename, node.source.value, isTypeOnly(node));
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
    };
  },
};
