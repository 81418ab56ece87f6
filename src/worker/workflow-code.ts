/** The workflow code as `npm run build` bundled it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../setup/config.js';
import { version } from '../setup/version.js';

const bundled = (name: string): string => readFileSync(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), 'utf8');

/** The same for every worker of a release, with traces or without, in whatever folder it was built: the source map names files. */
export function buildId(): string {
  const [code = ''] = bundled('workflow-bundle').split('//# sourceMappingURL');
  const hash = createHash('sha256').update(code).digest('hex');
  return `${version}-${hash.slice(0, 8)}`;
}

/**
 * The SDK formats a stack trace for every promise, which is almost half of the workflow
 * thread's time (docs/performance.md), so there is none unless it is asked for.
 */
export function workflowCode({ isTraced, keepsStackTraces }: Config): string {
  const code = bundled(isTraced ? 'workflow-bundle-traced' : 'workflow-bundle');
  return keepsStackTraces ? code : `Error.stackTraceLimit = 0; ${code}`;
}
