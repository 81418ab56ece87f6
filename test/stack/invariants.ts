/** What must hold whatever has failed: checked over the ledger, the mailbox, Temporal and every history. */
import { resolve } from 'node:path';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import type { ParsedMail } from 'mailparser';
import { installQuietRuntime } from './runtime.js';
import type { Stack } from './stack.js';
import { surveyIdOfMessage, workflowIdOf } from '../../src/contract/ids.js';
import { taskQueue, workflowType } from '../../src/contract/messages.js';
import { isAlert } from './mail.js';
import { until } from './waiting.js';

interface CheckOptions {
  /** Where mail goes to another relay than the stack's own. */
  mailsOf?: () => Promise<ParsedMail[]>;
  /** The workflow code of the newest release that has run. */
  bundle?: string;
  /** The database was restored: it may lack what happened in earlier cycles. */
  isRestored?: boolean;
}

/** Waits for what is still under way; then names what does not hold. */
export async function brokenInvariants(
  stack: Stack,
  {
    mailsOf = () => stack.mails(),
    bundle = resolve('dist/worker/workflow-bundle.js'),
    isRestored = false,
  }: CheckOptions = {},
): Promise<string[]> {
  let broken: string[] | undefined;
  const holds = async () => {
    broken = undefined;
    const mails = await mailsOf();
    broken = [
      ...(await inLedger(stack, isRestored ? ofLedger : { ...ofLedger, ...ofEarlierCycles })),
      ...inMailbox(mails),
      ...(await tooEarly(stack, mails)),
      ...(await notMailed(stack, mails)),
      ...(await inTemporal(stack)),
    ];
    return broken.length === 0;
  };
  await until('every invariant to hold', holds).catch((error: unknown) => {
    if (broken === undefined) throw error; // it could not be checked
  });
  const histories = await historiesOf(stack);
  return [...(broken ?? []), ...inHistories(histories), ...(await inReplays(histories, bundle))];
}

const ofLedger: Record<string, string> = {
  'was closed more than once in a cycle': `
    select report_id as id from status_changes where status = 'closed' group by report_id, cycle having count(*) > 1`,
  'is closed without a record of it': `
    select id from reports r where state = 'closed' and not exists (
      select from status_changes c where c.report_id = r.id and c.cycle = r.cycle and c.status = 'closed')`,
  'is closed, and nobody decided whether to ask': `
    select id from reports r where state = 'closed' and not exists (
      select from surveys s where s.report_id = r.id and s.cycle = r.cycle)`,
  'was asked before it was closed': `
    select s.report_id as id from surveys s where s.sent_at is not null and not exists (
      select from status_changes c where c.report_id = s.report_id and c.cycle = s.cycle and c.status = 'closed'
        and c.at <= s.sent_at)`,
  'has an answer with a revision lost or doubled': `
    select s.report_id as id from answers a join surveys s on s.id = a.survey_id
      where a.revision <> (select count(*) from answer_revisions v where v.survey_id = a.survey_id)
        or a.revision <> (select max(revision) from answer_revisions v where v.survey_id = a.survey_id)`,
  'has an answer that was stored twice': `
    select s.report_id as id from answer_revisions v join answer_revisions w on w.survey_id = v.survey_id and w.revision = v.revision + 1
      join surveys s on s.id = v.survey_id where (v.score, v.solved, v.comment, v.follow_ups::text)
        is not distinct from (w.score, w.solved, w.comment, w.follow_ups::text)`,
  'has an answer that nobody acted on': `
    select s.report_id as id from answers a join surveys s on s.id = a.survey_id where a.acted_on_revision < a.revision`,
  'differs from what its run decided': `select id from reports where state <> state_of(status)`,
  'is overdue': `select id from reports where expected_at < now() - interval '1 minute'`,
  'was woken in vain': `select id from reports where wakes >= 5`,
};

const ofEarlierCycles = {
  'was not closed in an earlier cycle': `
    select id from reports r, generate_series(first_cycle, cycle - 1) as past where not exists (
      select from status_changes c where c.report_id = r.id and c.cycle = past and c.status = 'closed')`,
};

async function inLedger(stack: Stack, queries: Record<string, string>): Promise<string[]> {
  const broken: string[] = [];
  for (const [what, query] of Object.entries(queries))
    for (const { id } of await stack.sql<{ id: string }>(query)) broken.push(`${id} ${what}`);
  return broken;
}

/** Copies of a mail have the same bytes and the same Message-ID. */
function inMailbox(mails: ParsedMail[]): string[] {
  const texts = new Map<string, Set<string>>();
  const ids = new Map<string, Set<string>>();
  const add = (map: typeof ids, key: string, value: string) => map.set(key, (map.get(key) ?? new Set()).add(value));
  for (const { messageId = 'none', text = '', subject } of mails.filter((mail) => !isAlert(mail))) {
    add(texts, messageId, text);
    const [link] = /\/s\/[^?\s]+/.exec(text) ?? [];
    if (link) add(ids, `${link} ${subject}`, messageId); // a reminder has a subject of its own
  }
  const several = (map: typeof ids) => [...map].filter(([, values]) => values.size > 1);
  return [
    ...several(texts).map(([id]) => `mail ${id} has copies that differ`),
    ...several(ids).map(([, each]) => `one mail has the ids ${[...each].join(' and ')}`),
  ];
}

/** By the mails themselves: each survey that was mailed is about a cycle that was closed. */
async function tooEarly(stack: Stack, mails: ParsedMail[]): Promise<string[]> {
  const surveys = mails.filter(({ messageId = '' }) => /^<survey\.[^.]+\.[12]@/.test(messageId));
  const rows = await stack.sql<{ id: string }>(
    `select s.report_id as id from surveys s where s.id = any($1) and not exists (
      select from status_changes c where c.report_id = s.report_id and c.cycle = s.cycle and c.status = 'closed')`,
    [surveys.map(({ messageId = '' }) => surveyIdOfMessage(messageId))],
  );
  return rows.map(({ id }) => `${id} was asked, and was not closed`);
}

/** A survey that counts as sent is in the mailbox, or its customer got the link with the question before the closing. */
async function notMailed(stack: Stack, mails: ParsedMail[]): Promise<string[]> {
  const mailed = new Set(mails.map(({ messageId = '' }) => surveyIdOfMessage(messageId)));
  const sent = await stack.sql<{ id: string; reportId: string }>(
    'select id, report_id as "reportId" from surveys where sent_at is not null',
  );
  return sent
    .filter(({ id }) => !mailed.has(id))
    .map(({ reportId }) => `${reportId} counts as asked, and was not mailed`);
}

async function inTemporal(stack: Stack): Promise<string[]> {
  const broken: string[] = [];
  const failed = 'ExecutionStatus IN ("Failed", "TimedOut")';
  for await (const { workflowId, runId } of stack.temporal.workflow.list({ query: failed })) {
    const { events } = await stack.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const failure = events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure;
    broken.push(`${workflowId} failed or timed out: ${failure?.message} ${failure?.cause?.message ?? ''}`);
  }
  const running = new Set<string>();
  const query = `WorkflowType="${workflowType}" AND ExecutionStatus="Running"`;
  for await (const { workflowId, runId } of stack.temporal.workflow.list({ query })) {
    running.add(workflowId);
    const { raw } = await stack.temporal.workflow.getHandle(workflowId, runId).describe();
    if ((raw.pendingWorkflowTask?.attempt ?? 1) > 3) broken.push(`${workflowId} has a workflow task that fails`);
    for (const { activityType, attempt } of raw.pendingActivities ?? [])
      broken.push(`${workflowId} is still at ${activityType?.name}, attempt ${attempt}`);
  }
  const unfinished = await stack.sql<{ id: string }>(`
    select id from reports r where state in ('open', 'cleared') or state = 'closed' and exists (
      select from surveys s where s.report_id = r.id and s.cycle = r.cycle and s.state in ('queued', 'sent'))`);
  const left = unfinished.filter(({ id }) => !running.has(workflowIdOf(id)));
  return [...broken, ...left.map(({ id }) => `${id} is not done, and no run is responsible for it`)];
}

const { WorkflowTaskFailedCause: cause } = proto.temporal.api.enums.v1;
/** Workflow code that failed or did not fit its history, even if a later attempt succeeded. */
const faultsOfCode = new Set([
  cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
  cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
]);

type Failure = proto.temporal.api.failure.v1.IFailure | null | undefined;

/** By src/workflows/local-activities.ts: a workflow task whose local activities took too long starts over. */
export const isTaskTimedOut = (failure: Failure): boolean => failure?.applicationFailureInfo?.type === 'TaskTimedOut';

/** After a worker was paused. The SDK ends a call into workflow code that takes five seconds. */
const startsOver = (failure: Failure): boolean => isTaskTimedOut(failure) || wasPaused(failure?.message ?? '');

/** By the error of a call into workflow code during which the process was paused. */
export const wasPaused = (message: string): boolean => message.startsWith('Script execution timed out');

/** Each run, whether it has ended or not, closes its report at most once, and asks only after that. */
function inHistories(histories: Recorded[]): string[] {
  const broken: string[] = [];
  for (const { workflowId, history } of histories) {
    const { events } = history;
    const failures = (events ?? []).flatMap(({ workflowTaskFailedEventAttributes: failed }) =>
      failed?.cause && faultsOfCode.has(failed.cause) && !startsOver(failed.failure) ? [failed.failure?.message] : [],
    );
    const done = stepsOf(events ?? []);
    const closings = done.filter(({ name, result }) => name === 'closeReport' && isClosing(result));
    const [closing] = closings;
    const isAskedFirst = done.some(({ name }, at) => name === 'sendSurvey' && closing && at < done.indexOf(closing));
    broken.push(...failures.map((message) => `${workflowId}: a workflow task failed: ${message}`));
    if (closings.length > 1) broken.push(`${workflowId} closed its report ${closings.length} times in one run`);
    if (isAskedFirst) broken.push(`${workflowId} asked the customer before it closed the report`);
  }
  return broken;
}

interface Recorded {
  workflowId: string;
  history: proto.temporal.api.history.v1.IHistory;
}

async function historiesOf(stack: Stack): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  for await (const { workflowId, runId } of stack.temporal.workflow.list({ query: `WorkflowType="${workflowType}"` }))
    recorded.push({ workflowId, history: await stack.temporal.workflow.getHandle(workflowId, runId).fetchHistory() });
  return recorded;
}

/** A worker that takes a run over replays its history. */
async function inReplays(histories: Recorded[], bundle: string): Promise<string[]> {
  installQuietRuntime();
  const broken: string[] = [];
  const again: Recorded[] = [];
  const results = Worker.runReplayHistories({ workflowBundle: { codePath: bundle } }, histories);
  for await (const { workflowId, error } of results)
    if (error && wasPaused(error.message))
      again.push(...histories.filter((recorded) => recorded.workflowId === workflowId));
    else if (error) broken.push(`${workflowId} does not fit its history: ${error.message}`);
  return again.length === 0 ? broken : [...broken, ...(await inReplays(again, bundle))];
}

const isClosing = (result: unknown): boolean => {
  const { state, isSuperseded } = (result ?? {}) as { state?: string; isSuperseded?: boolean };
  return state === 'closed' && isSuperseded !== true;
};

type Events = proto.temporal.api.history.v1.IHistoryEvent[];
type Payloads = proto.temporal.api.common.v1.IPayloads | null | undefined;

const decoded = (payloads: Payloads): unknown => {
  const text = Buffer.from(payloads?.payloads?.[0]?.data ?? []).toString();
  return text === '' ? undefined : JSON.parse(text);
};

/** Activities that have succeeded, local ones, too, in order. One of ours that ends while it is cancelled is tried again. */
function stepsOf(events: Events): { name: string; result: unknown }[] {
  const scheduled = new Map<string, string>();
  const ours = new Set<string>();
  return events.flatMap(({ eventId, ...event }) => {
    const { activityTaskScheduledEventAttributes: schedule, activityTaskCompletedEventAttributes: completed } = event;
    const { activityTaskCancelRequestedEventAttributes: cancelled, markerRecordedEventAttributes: marker } = event;
    if (schedule) scheduled.set(String(eventId), schedule.activityType?.name ?? '');
    if (schedule?.taskQueue?.name === taskQueue) ours.add(String(eventId));
    if (cancelled && ours.has(String(cancelled.scheduledEventId))) scheduled.delete(String(cancelled.scheduledEventId));
    if (completed)
      return [{ name: scheduled.get(String(completed.scheduledEventId)) ?? '', result: decoded(completed.result) }];
    if (marker?.markerName !== 'core_local_activity' || marker.failure) return [];
    const { activity_type: name } = decoded(marker.details?.['data']) as { activity_type: string };
    return [{ name, result: decoded(marker.details?.['result']) }];
  });
}
