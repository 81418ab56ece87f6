import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';

/** For each folder, an import that the rule allows and imports that it refuses. */
const cases: Record<string, { allowed: string; refused: string[] }> = {
  contract: {
    allowed: "import { errors } from './errors.js';",
    refused: ["import { isOpen } from '../policy/status.js';", "import { z } from 'zod';"],
  },
  'http-client': {
    allowed: "import { x } from './x.js';",
    refused: ["import { errors } from '../contract/errors.js';", "import { z } from 'zod';"],
  },
  policy: {
    allowed: "import { phases } from '../contract/reports.js';",
    refused: ["import { reportStore } from '../outside/reports/store.js';", "import { z } from 'zod';"],
  },
  workflows: {
    allowed: "import type { Activities } from '../activities/index.js';",
    refused: [
      "import { createActivities } from '../activities/index.js';",
      "import { reportStore } from '../outside/reports/store.js';",
      "import { readFileSync } from 'node:fs';",
    ],
  },
  views: { allowed: "import { Eta } from 'eta';", refused: ["import { surveyMail } from '../customer/mail.js';"] },
  customer: {
    allowed: "import { html } from '../views/render.js';",
    refused: ["import { openMailer } from '../outside/mail/mailer.js';"],
  },
  operator: {
    allowed: "import type { Mail } from '../customer/mail.js';",
    refused: ["import { countQueries } from '../outside/counts.js';"],
  },
  outside: {
    allowed: "import type { SurveyCount } from '../operator/satisfaction.js';",
    refused: [
      "import { createActivities } from '../activities/index.js';",
      "import { loadConfig } from '../setup/config.js';",
    ],
  },
  activities: {
    allowed: "import { surveyRecord } from '../outside/surveys/survey-row.js';",
    refused: [
      "import { publish } from '../workflows/visibility.js';",
      "import { loadConfig } from '../setup/config.js';",
    ],
  },
  setup: {
    allowed: "import { domainOf } from '../contract/contact.js';",
    refused: ["import { openDatabase } from '../outside/database/database.js';"],
  },
  client: {
    allowed: "import { openStores } from '../outside/stores.js';",
    refused: ["import { buildGateway } from '../gateway/app.js';", "export * from '../activities/index.js';"],
  },
  gateway: {
    allowed: "import { CloseoutClient } from '../client.js';",
    refused: [
      "import type { Survey } from '../outside/surveys/surveys.js';",
      "import { createActivities } from '../activities/index.js';",
      "import { runWorker } from '../worker.js';",
    ],
  },
  tmf621: {
    allowed: "import type { Report } from '../contract/reports.js';",
    refused: ["import { stateOf } from '../policy/status.js';"],
  },
  systems: {
    allowed: "import type { Observation } from '../outside/reports/observed.js';",
    refused: [
      "import { CloseoutClient } from '../client.js';",
      "import { createActivities } from '../activities/index.js';",
    ],
  },
  events: {
    allowed: "import type { Events } from '../outside/events/events.js';",
    refused: ["import { CloseoutClient } from '../client.js';"],
  },
  worker: {
    allowed: "import { createActivities } from '../activities/index.js';",
    refused: ["import { CloseoutClient } from '../client.js';"],
  },
  local: {
    allowed: "import { CloseoutError } from '../contract/errors.js';",
    refused: ["import { loadConfig } from '../setup/config.js';"],
  },
  start: {
    allowed: "import { startPart } from '../local/part.js';",
    refused: ["import { openDatabase } from '../outside/database/database.js';"],
  },
  'incident-log': {
    allowed: "import { CloseoutClient } from '../client.js';",
    refused: ["import { openStores } from '../outside/stores.js';"],
  },
  cli: {
    allowed: "const { runWorker } = await import('../worker.js');",
    refused: [
      "const { openStores } = await import('../outside/stores.js');",
      "export { start } from '../workflows/index.js';",
    ],
  },
};

/** ESLint is an ES module, so it runs in a process of its own. Prints for each case whether it was refused. */
const script = `
  import { Linter } from 'eslint';
  import tseslint from 'typescript-eslint';
  import { importRule } from './import-rule.js';
  const plugins = { closeout: { rules: { imports: importRule } } };
  const config = { files: ['**/*.ts'], plugins, rules: { 'closeout/imports': 'error' }, languageOptions: { parser: tseslint.parser } };
  const linter = new Linter();
  const messages = JSON.parse(process.argv[1]).map(([filename, code]) => linter.verify(code, [config], { filename }));
  process.stdout.write(JSON.stringify(messages.map((found) => found.map(({ message }) => message))));
`;

async function lint(files: [file: string, code: string][]): Promise<string[][]> {
  const args = ['--input-type=module', '--eval', script, JSON.stringify(files)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as string[][];
}

test('every folder of src/ has its cases here', () => {
  const folders = readdirSync('src').map((name) => name.replace('.ts', ''));
  expect(Object.keys(cases).sort()).toEqual([...new Set(folders)].sort());
});

test('the import rule refuses in every folder what has no row for it, and nothing else', async () => {
  const allowed = Object.entries(cases).map(([folder, row]): [string, string] => [`src/${folder}/x.ts`, row.allowed]);
  expect((await lint(allowed)).flat()).toEqual([]);
  const refused = Object.entries(cases).flatMap(([folder, row]) =>
    row.refused.map((code): [string, string] => [`src/${folder}/x.ts`, code]),
  );
  const messages = await lint(refused);
  expect(refused.filter((_, index) => messages[index]?.length !== 1)).toEqual([]);
});

test('a new folder is refused until it has a row', async () => {
  const messages = await lint([
    ['src/new-folder/x.ts', "import { errors } from '../contract/errors.js';"],
    ['src/cli/x.ts', "import { x } from '../new-folder/x.js';"],
  ]);
  expect(messages).toEqual([
    ['new-folder has no row in import-rule.js.'],
    ['cli may not import from new-folder: see import-rule.js.'],
  ]);
});

test('npm run lint applies the rule to all of src/', async () => {
  const { stdout } = await promisify(execFile)('npx', ['eslint', '--print-config', 'src/gateway/tmf621.ts']);
  expect(JSON.parse(stdout)).toMatchObject({ rules: { 'closeout/imports': [2] } });
});
