/**
 * `npm run record-histories`: drives a report down every path of the process on a real stack and stores its histories, in a folder for each
 * release. A path that was recorded before is left as it is: a change of the workflow that no longer fits it needs `patched`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { workflowIdOf } from '../../src/contract/ids.js';
import { findTemporalCli } from '../../src/local/temporal.js';
import { freePorts } from '../stack/commands.js';
import { quietNow } from '../stack/quiet-hours.js';
import { ScriptedSmtpServer } from '../stack/scripted-smtp-server.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { closingPaths } from './paths/closing.js';
import { confirmationPaths } from './paths/confirmation.js';
import { operatorPaths } from './paths/operators.js';
import type { Recording } from './paths/recording.js';
import { surveyPaths } from './paths/survey.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
if (readFileSync('CHANGELOG.md', 'utf8').includes(`## [${version}]`))
  throw new Error(`${version} is released, so its histories stay as they are: set the next version in package.json.`);
const folder = resolve('test/replay/histories', version);

const policy = `
rules:
  - when: { ticketType: flapping }
    holdDown: 2s
  - when: { ticketType: delayed }
    survey: { delay: 2s }
  - when: { ticketType: quiet }
    survey: { quietHours: ${JSON.stringify(quietNow())} }
  - when: { ticketType: old }
    reopen: { within: 1s }
  - when: { ticketType: confirmed }
    confirmation: { window: 1h, businessHours: null }
  - when: { ticketType: silent }
    confirmation: { window: 3s, warnBefore: 2s, businessHours: null }
  - when: { ticketType: major }
    confirmation: { window: 1s, warnBefore: null, businessHours: null, onSilence: hold }
  - when: { ticketType: reminded }
    survey: { reminderAfter: 1s, expiresAfter: 3s }
`;

const relay = new ScriptedSmtpServer((to, attempt) => {
  if (recording.relayRefusesUs) return { mailFrom: '550 5.7.1 not from you' };
  if (to.startsWith('refused')) return { rcptTo: '550 5.1.1 no such user' };
  if (to.startsWith('retried')) return attempt < 3 ? { afterDot: '451 4.3.0 later' } : {};
  return to.startsWith('down') ? { afterDot: '451 4.3.0 later' } : {};
});

process.env['CLOSEOUT_TEMPORAL_CLI'] = await findTemporalCli(process.env, console.log);
const [port = 0] = await freePorts(1);
await relay.listen(port);
const stack = await Stack.start({ policy, env: { SMTP_URL: `smtp://127.0.0.1:${port}` } });
const recording: Recording = { stack, relay, relayRefusesUs: false };
const { client, temporal } = stack;

const isRecorded = (path: string) => existsSync(join(folder, `${path}.1.json`));

/** Stores the histories of a workflow, one per run, oldest first. */
async function record(path: string, workflowId: string): Promise<void> {
  const runs: { runId: string; startTime: Date }[] = [];
  for await (const run of temporal.workflow.list({ query: `WorkflowId="${workflowId}"` })) runs.push(run);
  runs.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  for (const [index, { runId }] of runs.entries()) {
    const args = ['workflow', 'show', '--workflow-id', workflowId, '--run-id', runId, '--output', 'json'];
    await writeFile(join(folder, `${path}.${index + 1}.json`), await stack.temporalCli(...args));
  }
}

async function recordPaths(): Promise<void> {
  const paths = {
    ...closingPaths(recording),
    ...surveyPaths(recording),
    ...operatorPaths(recording),
    ...confirmationPaths(recording),
  };
  for (const [path, drive] of Object.entries(paths)) {
    if (isRecorded(path)) continue;
    await drive(path);
    await record(path, workflowIdOf(path));
    process.stdout.write(`${path}\n`);
  }
}

/** An alert, which the path `low-score` has raised, and an operator's reply. */
async function recordMails(): Promise<void> {
  const alertId = 'alert:answer:low-score:1:1';
  await until('the alert', () =>
    temporal.workflow
      .getHandle(alertId)
      .result()
      .then(() => true),
  );
  await record('alert', alertId);
  await client.surveys.reply('answered', 'Thank you.', 'eve');
  const reply = await until('the reply', async () => {
    for await (const run of temporal.workflow.list({ query: 'WorkflowType="replyToCustomer"' })) return run;
  });
  await temporal.workflow.getHandle(reply.workflowId).result();
  await record('reply', reply.workflowId);
}

async function recordRun(type: string, workflowId: string, ...args: object[]): Promise<void> {
  if (isRecorded(workflowId)) return;
  await temporal.workflow.execute(type, { workflowId, taskQueue: 'closeout', args });
  await record(workflowId, workflowId);
}

try {
  await mkdir(folder, { recursive: true });
  await recordPaths();
  if (!isRecorded('alert')) await recordMails();
  await recordRun('forgetCustomers', 'forget');
  if (!isRecorded('service-problem'))
    for (const id of ['of-problem-1', 'of-problem-2']) await stack.open(id, { serviceProblemId: 'problem' });
  await recordRun('clearServiceProblem', 'service-problem', { serviceProblemId: 'problem' });
  await recordRun('watchReports', 'watch');
} finally {
  await stack.end();
  await relay.close();
}
