/**
 * Part of `npm run build`: bundles the workflow code once, so that workers start fast and run what was tested. A second bundle adds
 * spans, for workers that are traced. Runs share the modules instead of loading each for themselves, so none may keep state.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

async function bundle(name: string, moreInterceptors: string[] = []): Promise<void> {
  const workflowsPath = here('../workflows/index.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    preloadModules: [workflowsPath],
    workflowInterceptorModules: [here('../workflows/local-activities.js'), ...moreInterceptors],
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(here(`./${name}`), code);
}

await bundle('workflow-bundle.js');
await bundle('workflow-bundle-traced.js', [here('./workflow-spans.js')]);
