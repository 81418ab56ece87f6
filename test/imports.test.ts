import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** In each folder, imports that the way of a report allows and ones that it does not. */
const allowed: [string, string][] = [
  ['src/policy/status.ts', "import { phases } from '../contract/reports.js';"],
  ['src/workflows/steps.ts', "import type { Activities } from '../activities/index.js';"],
  ['src/workflows/steps.ts', "import { sleep } from '@temporalio/workflow';"],
  ['src/gateway/tmf621.ts', "import { CloseoutClient } from '../client.js';"],
  ['src/activities/close-report.ts', "import { reportStore } from '../outside/reports/store.js';"],
];
const forbidden: [string, string][] = [
  ['src/contract/ids.ts', "import { apply } from '../policy/status.js';"],
  ['src/contract/ids.ts', "import { z } from 'zod';"],
  ['src/policy/status.ts', "import { z } from 'zod';"],
  ['src/policy/status.ts', "import { reportStore } from '../outside/reports/store.js';"],
  ['src/workflows/steps.ts', "import { createActivities } from '../activities/index.js';"],
  ['src/workflows/steps.ts', "import { reportStore } from '../outside/reports/store.js';"],
  ['src/workflows/steps.ts', "import { readFileSync } from 'node:fs';"],
  ['src/workflows/steps.ts', "import { z } from 'zod';"],
  ['src/activities/close-report.ts', "import { show } from '../workflows/visible.js';"],
  ['src/activities/close-report.ts', "import { loadConfig } from '../config.js';"],
  ['src/outside/surveys.ts', "import { createActivities } from '../activities/index.js';"],
  ['src/survey/mail.ts', "import { openMailer } from '../outside/mail/mailer.js';"],
  ['src/gateway/tmf621.ts', "import { createActivities } from '../activities/index.js';"],
  ['src/gateway/tmf621.ts', "import { runWorker } from '../worker.js';"],
  ['src/local/part.ts', "import { buildGateway } from '../gateway/app.js';"],
];

/** Each pretended to be all that its file holds; one ESLint for all, in a process of its own as it is an ES module. */
const script = `
  import { ESLint } from 'eslint';
  const eslint = new ESLint();
  const found = [];
  for (const [filePath, code] of JSON.parse(process.argv[1])) {
    const [{ messages }] = await eslint.lintText(code, { filePath });
    found.push(messages.some(({ ruleId }) => ruleId === '@typescript-eslint/no-restricted-imports'));
  }
  process.stdout.write(JSON.stringify(found));
`;

async function refused(cases: [string, string][]): Promise<[string, string][]> {
  const args = ['--input-type=module', '--eval', script, JSON.stringify(cases)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const found = JSON.parse(stdout) as boolean[];
  return cases.filter((_, index) => found[index]);
}

test('the import rule refuses what does not point along the way of a report, and nothing else', async () => {
  expect(await refused([...allowed, ...forbidden])).toEqual(forbidden);
});
