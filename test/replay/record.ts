/**
 * `npm run record-histories`: drives a report down every path of the process on a real stack and keeps its histories. A path that is
 * there already is left as it was recorded: a change of the workflow that no longer fits it needs `patched`.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { workflowIdOf } from '../../src/contract/ids.js';
import type { Score } from '../../src/contract/reports.js';
import { findTemporalCli } from '../../src/local/temporal.js';
import { Sink } from '../stack/scripted-smtp-server.js';
import { freePorts, Stack, until } from '../stack/stack.js';
import { confirmationPaths } from './confirmation-paths.js';

const folder = resolve('test/replay/histories');

const policy = `
rules:
  - when: { ticketType: flapping }
    holdDown: 2s
  - when: { ticketType: delayed }
    survey: { delay: 2s }
  - when: { ticketType: quiet }
    survey: { quietHours: { from: "00:00", to: "23:59" } }
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
let refusesUs = false;
const sink = new Sink((to, attempt) => {
  if (refusesUs) return { mailFrom: '550 5.7.1 not from you' };
  if (to.startsWith('refused')) return { rcptTo: '550 5.1.1 no such user' };
  if (to.startsWith('retried')) return attempt < 3 ? { afterDot: '451 4.3.0 later' } : {};
  return to.startsWith('down') ? { afterDot: '451 4.3.0 later' } : {};
});

process.env['CLOSEOUT_TEMPORAL_CLI'] = await findTemporalCli(process.env, console.log);
const [port = 0] = await freePorts(1);
await sink.listen(port);
const stack = await Stack.start({ policy, env: { SMTP_URL: `smtp://127.0.0.1:${port}` } });
const { client } = stack;
const eve = { by: 'eve' };

/** Path → the report it is about, left where the path ends. Each leaves one history a run. */
const paths: Record<string, (id: string) => Promise<unknown>> = {
  async 'waits-open'(id) {
    await stack.open(id);
    await stack.untilPhase(id, 'open');
  },
  async answered(id) {
    await ask(id);
    await answer(id, { score: 5 });
    await stack.untilPhase(id, 'done');
  },
  async 'low-score'(id) {
    await ask(id);
    await answer(id, { score: 1 });
    await stack.untilPhase(id, 'done');
  },
  async 'not-solved'(id) {
    await ask(id);
    await answer(id, { score: 2, solved: false });
    await stack.untilPhase(id, 'open', 2);
  },
  async 'reminded-and-expired'(id) {
    await ask(id, 'reminded');
    await stack.untilSurvey(id, 'expired');
    await stack.untilPhase(id, 'done');
  },
  async 'cleared-twice-and-late'(id) {
    await stack.open(id);
    await stack.signal(id, 'reopened', { at: '2026-03-02T00:00:00Z' });
    await stack.signal(id, 'cleared', { at: '2026-03-01T00:00:00Z' });
    await stack.signal(id, 'cleared', { at: '2026-03-03T00:00:00Z' });
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
  },
  async 'flaps-in-the-hold-down'(id) {
    await stack.open(id, { ticketType: 'flapping' });
    await stack.signal(id, 'cleared');
    await stack.untilPhase(id, 'clearing');
    await stack.signal(id, 'reopened');
    await stack.untilPhase(id, 'open');
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
  },
  async 'held-and-released'(id) {
    await stack.open(id);
    await client.operate('hold', id, eve);
    await stack.signal(id, 'cleared');
    await stack.untilPhase(id, 'clearing');
    await client.operate('release', id, eve);
    await stack.untilSurvey(id, 'sent');
  },
  async 'reopened-while-surveying'(id) {
    await ask(id);
    await stack.signal(id, 'reopened');
    await stack.untilPhase(id, 'open', 2);
    await stack.signal(id, 'cleared');
    await stack.untilSurvey(id, 'sent');
  },
  async 'reopened-after-done'(id) {
    await stack.open(id, { contact: {} });
    await client.clear(id);
    await stack.untilPhase(id, 'done');
    await client.reopen(id);
    await stack.untilPhase(id, 'open', 2);
  },
  async 'cleared-after-done'(id) {
    await stack.open(id, { contact: {} });
    await client.clear(id);
    await stack.untilPhase(id, 'done');
    await stack.signalWithStart(id, 'cleared');
    await stack.temporal.workflow.getHandle(workflowIdOf(id)).result();
  },
  async 'cancelled-while-open'(id) {
    await stack.open(id);
    await stack.signal(id, 'cancelled');
    await stack.untilPhase(id, 'done');
  },
  async 'cancelled-in-the-hold-down'(id) {
    await stack.open(id, { ticketType: 'flapping' });
    await stack.signal(id, 'cleared');
    await stack.untilPhase(id, 'clearing');
    await stack.signal(id, 'cancelled');
    await stack.untilPhase(id, 'done');
  },
  async 'survey-delayed-and-skipped'(id) {
    await stack.open(id, { ticketType: 'delayed' });
    await stack.signal(id, 'cleared');
    await stack.untilPhase(id, 'surveying');
    await client.operate('skipSurvey', id, eve);
    await stack.untilPhase(id, 'done');
  },
  async 'survey-sent-again'(id) {
    await ask(id);
    await client.operate('resendSurvey', id, eve);
    await until('the second copy', () => sink.to(addressOf(id)).length === 2);
    await stack.untilStatus(id, 'waiting again', ({ waitingFor }) => waitingFor === "the customer's answer");
  },
  async 'survey-extended-and-revoked'(id) {
    await ask(id);
    await client.operate('extendSurvey', id, { ...eve, days: 2 });
    await client.operate('revokeSurvey', id, eve);
    await stack.untilPhase(id, 'done');
  },
  async 'held-in-quiet-hours-and-skipped'(id) {
    await stack.open(id, { ticketType: 'quiet' });
    await stack.signal(id, 'cleared');
    await stack.untilStatus(id, 'held', ({ waitingFor }) => waitingFor.includes('quiet hours'));
    await client.operate('skipSurvey', id, eve);
    await stack.untilPhase(id, 'done');
  },
  async bounced(id) {
    await ask(id);
    const surveyId = (await client.surveys.ofCycle(id, 1))?.id ?? '';
    await client.surveys.receive({ kind: 'bounce', id, surveyId, status: '5.2.2', recipients: [] });
    await stack.untilPhase(id, 'done');
  },
  async 'relay-refuses-us-for-a-while'(id) {
    refusesUs = true;
    await stack.open(id);
    await stack.signal(id, 'cleared');
    await stack.untilStatus(id, 'waiting for the relay', ({ attention }) => attention !== undefined);
    refusesUs = false;
    await client.operate('retryNow', id, eve);
    await stack.untilSurvey(id, 'sent');
  },
  async 'not-solved-too-late'(id) {
    await ask(id, 'old');
    await until('the time to reopen to be over', async () => {
      const { reopenUntil = '' } = await client.surveys.currentOf(id);
      return Date.parse(reopenUntil) < Date.now();
    });
    await answer(id, { score: 2, solved: false });
    await stack.untilPhase(id, 'done');
  },
  async 'answer-changed-after-done'(id) {
    await ask(id);
    await answer(id, { score: 1 });
    await stack.untilPhase(id, 'done');
    await answer(id, { score: 5 });
    await stack.temporal.workflow.getHandle(workflowIdOf(id)).result();
  },
  async 'retried-mail'(id) {
    await ask(id);
  },
  async 'refused-address'(id) {
    await stack.open(id);
    await stack.signal(id, 'cleared');
    await stack.untilPhase(id, 'done');
  },
  async 'down-relay-retried-by-hand-then-reopened'(id) {
    await stack.open(id);
    await stack.signal(id, 'cleared');
    await until('two tries', () => (sink.attempts.get(addressOf(id)) ?? 0) >= 2);
    const before = sink.attempts.get(addressOf(id)) ?? 0;
    await client.operate('retryNow', id, eve);
    await until('a try at once', () => (sink.attempts.get(addressOf(id)) ?? 0) > before);
    await stack.signal(id, 'reopened');
    await stack.untilPhase(id, 'open', 2);
  },
  async 'closing-refused-then-cancelled'(id) {
    await refuseClosing(id);
    await client.operate('retryNow', id, eve);
    await stack.untilPhase(id, 'needsAttention');
    await stack.signal(id, 'cancelled');
    await stack.untilPhase(id, 'done');
  },
  async 'signalled-before-opened'(id) {
    await stack.signalWithStart(id, 'cleared');
    await until('needsAttention', async () => {
      return (
        await stack.temporal.workflow.count(`WorkflowId="${workflowIdOf(id)}" AND CloseoutPhase="needsAttention"`)
      ).count;
    });
    await stack.open(id);
    await stack.untilSurvey(id, 'sent');
  },
  async 'unknown-report-closed-by-hand'(id) {
    const handle = await stack.temporal.workflow.start('closeProblemReport', {
      ...{ workflowId: workflowIdOf(id), taskQueue: 'closeout', args: [{ reportId: id }] },
    });
    await until('needsAttention', async () => {
      return (await handle.query<{ phase: string }>('status')).phase === 'needsAttention';
    });
    await handle.executeUpdate('closeByHand', { args: [{ by: 'eve', note: 'closed in the old system' }] });
    await handle.result();
  },
};

async function ask(id: string, ticketType = 'fault') {
  await stack.open(id, { ticketType });
  await stack.signal(id, 'cleared');
  await stack.untilSurvey(id, 'sent');
}

async function answer(id: string, given: { score: Score; solved?: boolean }) {
  const survey = await client.surveys.ofCycle(id, 1);
  await client.surveys.answer(survey?.id ?? '', given);
}

/** The system of record has it cancelled, and nobody told the run. */
async function refuseClosing(id: string) {
  await stack.open(id);
  await stack.untilPhase(id, 'open', 1);
  await client.reports.change(id, { kind: 'cancelled', at: '2026-03-01T00:00:00Z' });
  await stack.signal(id, 'cleared');
  await stack.untilPhase(id, 'needsAttention');
}

const isKept = (path: string) => existsSync(join(folder, `${path}.1.json`));
const addressOf = (id: string) => `${id}@customers.example`;

/** What a low score and a reply of an operator start, and the nightly forgetting. */
async function keepOthers() {
  await until('the alert', async () => (await stack.temporal.workflow.count('WorkflowType="alertOperator"')).count > 0);
  await stack.temporal.workflow.getHandle('alert:answer:low-score:1:1').result();
  await keep('alert', 'alert:answer:low-score:1:1');
  await client.surveys.reply('answered', 'Thank you.', 'eve');
  const reply = await until('the reply', async () => {
    for await (const run of stack.temporal.workflow.list({ query: 'WorkflowType="replyToCustomer"' })) return run;
  });
  await stack.temporal.workflow.getHandle(reply.workflowId).result();
  await keep('reply', reply.workflowId);
  await run('forgetCustomers', 'forget');
}

/** A service problem with two reports. */
async function keepMassClear() {
  for (const id of ['of-problem-1', 'of-problem-2']) await stack.open(id, { serviceProblemId: 'problem' });
  await run('clearServiceProblem', 'service-problem', { serviceProblemId: 'problem' });
}

async function run(type: string, workflowId: string, ...args: object[]) {
  await stack.temporal.workflow.execute(type, { workflowId, taskQueue: 'closeout', args });
  await keep(workflowId, workflowId);
}

async function keep(path: string, workflowId: string) {
  const runs: { runId: string; startTime: Date }[] = [];
  for await (const run of stack.temporal.workflow.list({ query: `WorkflowId="${workflowId}"` })) runs.push(run);
  runs.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  for (const [index, { runId }] of runs.entries()) {
    const args = ['workflow', 'show', '--workflow-id', workflowId, '--run-id', runId, '--output', 'json'];
    await writeFile(join(folder, `${path}.${index + 1}.json`), await stack.temporalCli(...args));
  }
}

try {
  await mkdir(folder, { recursive: true });
  for (const [path, drive] of Object.entries({ ...paths, ...confirmationPaths(stack) }).filter(
    ([name]) => !isKept(name),
  )) {
    await drive(path);
    await keep(path, workflowIdOf(path));
    process.stdout.write(`${path}\n`);
  }
  if (!isKept('alert')) await keepOthers();
  if (!isKept('service-problem')) await keepMassClear();
  if (!isKept('watch')) await run('watchReports', 'watch');
} finally {
  await stack.end();
  await sink.close();
}
