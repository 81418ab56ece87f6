/**
 * Part of `npm run build`: bundles the workflow code once, so that workers start in no time and run what was tested. A second bundle
 * is the same code with spans, for workers that are traced.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
for (const [name, workflowInterceptorModules] of [
  ['workflow-bundle.js', []],
  ['workflow-bundle-traced.js', [here('./workflow-spans.js')]],
] as const) {
  const { code } = await bundleWorkflowCode({
    workflowsPath: here('../workflows/index.js'),
    workflowInterceptorModules: [...workflowInterceptorModules],
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(here(`./${name}`), code);
}
