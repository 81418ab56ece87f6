import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowIdOf } from '../../src/contract/ids.js';
import { wasPaused } from '../stack/invariants.js';
import { installQuietRuntime } from '../stack/runtime.js';

/** `{release}/{path}.{run}`, as `npm run record-histories` names them. */
const folder = resolve('test/replay/histories');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
const names = files.map((file) => file.replace(/\.json$/, ''));
const ofTheProcess = names.filter((name) => !/\/(alert|reply|forget|watch|service-problem)\./.test(name));

const logger = new DefaultLogger('ERROR');
beforeAll(installQuietRuntime);

/** For the spans of the traced bundle. */
const nowhere = { exporter: { export: { fn: () => undefined } } };

async function replay(code: { codePath: string } | { code: string }, name: string): Promise<void> {
  const history: unknown = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const workflowId = workflowIdOf(basename(name).replace(/\.\d+$/, ''));
  try {
    await Worker.runReplayHistory({ workflowBundle: code, sinks: nowhere }, history, workflowId);
  } catch (error) {
    if (!wasPaused((error as Error).message)) throw error;
    await replay(code, name);
  }
}

// Recorded without traces: they can be switched on and off while reports are open.
describe.each(['workflow-bundle.js', 'workflow-bundle-traced.js'])('%s', (bundle) => {
  test.each(names)('fits the recorded history %s', async (name) => {
    await replay({ codePath: resolve('dist/worker', bundle) }, name);
  });
});

describe('a workflow that was changed without a patch', () => {
  let broken: { code: string };
  beforeAll(async () => {
    const workflowsPath = resolve('test/replay/broken.ts');
    broken = await bundleWorkflowCode({ workflowsPath, logger });
  });

  test.each(ofTheProcess)('does not fit the history %s', async (name) => {
    await expect(replay(broken, name)).rejects.toThrow(DeterminismViolationError);
  });
});
