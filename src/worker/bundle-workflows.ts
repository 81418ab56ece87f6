/**
 * Part of `npm run build`: bundles the workflow code once, so that workers start fast and run what was tested. A second bundle adds
 * spans, for workers that are traced.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

async function bundle(name: string, workflowInterceptorModules: string[]): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: here('../workflows/index.js'),
    workflowInterceptorModules,
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(here(`./${name}`), code);
}

await bundle('workflow-bundle.js', []);
await bundle('workflow-bundle-traced.js', [here('./workflow-spans.js')]);
