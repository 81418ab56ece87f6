/** Part of `npm run build`: bundles the workflow code once, so that workers start in no time and run what was tested. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: here('./workflows/index.js'),
  logger: new DefaultLogger('WARN'),
});
await writeFile(here('./workflow-bundle.js'), code);
