/** The workflows on a real Temporal server, with activities that a test scripts for each report: races in seconds. */
import { resolve } from 'node:path';
import { Context } from '@temporalio/activity';
import { ApplicationFailure, defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.js';
import { workflowIdOf } from '../../src/contract/ids.js';
import { mailQueue, searchAttributes, taskQueue, workflowType, type UpdateName } from '../../src/contract/messages.js';
import type { RunResult, RunStatus } from '../../src/contract/reports.js';
import type { ClosedReport } from '../../src/activities/close-report.js';
import type { WrittenReport } from '../../src/activities/written-report.js';
import type { LookedUp } from '../../src/activities/look-up-report.js';
import { nothingReceived } from '../../src/policy/changes.js';
import { defaultPolicy, type Policy } from '../../src/policy/settings.js';
import { second } from '../../src/policy/time.js';
import { installQuietRuntime } from './runtime.js';
import { suggestedAfter } from './short-histories.js';
import { until } from './waiting.js';

export type Script = Partial<Activities>;

/** An open report that no run has looked up before. */
export const lookedUp = (runId: string, more: Partial<LookedUp> = {}): LookedUp => ({
  runId,
  state: 'open',
  cycle: 1,
  rev: 0,
  received: nothingReceived(),
  survey: { state: 'none', id: 'survey-1' },
  reminded: false,
  firstCycle: 1,
  actedOnRevision: 0,
  policy: defaultPolicy,
  rule: { ticketType: 'fault', severity: 'minor' },
  ...more,
});

export const written = (state: WrittenReport['state'], cycle = 1): WrittenReport => ({
  state,
  cycle,
  isSuperseded: false,
});

/** The ledger's answer about a report whose customer is asked first. */
export const toBeConfirmed: ClosedReport = { ...written('cleared'), wait: { for: 'confirmation' } };

/** Answers of the activities for an open report that closes as soon as it is cleared and has no survey. */
const usual: Script = {
  lookUpReport: ({ runId }) => Promise.resolve(lookedUp(runId)),
  reopenReport: () => Promise.resolve(written('open')),
  cancelReport: () => Promise.resolve(written('cancelled')),
  endReportInLedger: ({ byHand }) => Promise.resolve(written(byHand ? 'closed' : 'cancelled')),
  recordDecision: () => Promise.resolve(written('open')),
  sendSurvey: () => Promise.resolve({ state: 'skipped', reason: 'disabled' }),
  recordAnswerHandled: () => Promise.resolve(),
  alertOperator: () => Promise.resolve(true),
};

const names = [
  'lookUpReport',
  'closeReport',
  'reopenReport',
  'cancelReport',
  'endReportInLedger',
  'recordDecision',
  'askConfirmation',
  'resolveConfirmation',
  'sendSurvey',
  'recordDelivery',
  'endSurvey',
  'extendSurvey',
  'recordAnswerHandled',
  'openFollowUp',
  'alertOperator',
] as const;

export class ScriptedProcess {
  private constructor(
    private readonly environment: TestWorkflowEnvironment,
    private readonly stopWorker: () => Promise<void>,
    /** By report id. */
    private readonly scripts: Map<string, Script>,
  ) {}

  /** `maxHistoryLength`: with so many events, a run continues as new. */
  static async start({ maxHistoryLength }: { maxHistoryLength?: number } = {}): Promise<ScriptedProcess> {
    installQuietRuntime();
    const path = process.env['CLOSEOUT_TEMPORAL_CLI'] ?? '';
    const keys = Object.values(searchAttributes).map(({ name, type }) => defineSearchAttributeKey(name, type));
    const environment = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        searchAttributes: keys,
        extraArgs: maxHistoryLength ? ['--dynamic-config-value', `${suggestedAfter}=${maxHistoryLength}`] : [],
        log: { level: 'error', format: 'json' },
      },
    });
    const scripts = new Map<string, Script>();
    const ending = untilEnd();
    const answerOf = answers();
    const activities = Object.fromEntries(
      names.map((name) => [
        name,
        (input: { reportId?: string; fence?: { reportId: string } }) => {
          const activity = scripts.get(input.reportId ?? input.fence?.reportId ?? '')?.[name] ?? usual[name];
          if (!activity) throw new Error(`${name} is not scripted`);
          const call = answerOf(input, () => (activity as (given: unknown) => Promise<unknown>)(input));
          return whileHeartbeating(Promise.race([call, ending.promise]));
        },
      ]),
    );
    const connection = environment.nativeConnection;
    const workflowBundle = { codePath: resolve('dist/worker/workflow-bundle.js') };
    const workers = await Promise.all([
      Worker.create({ connection, taskQueue, activities, workflowBundle }),
      Worker.create({ connection, taskQueue: mailQueue, activities }),
    ]);
    const running = workers.map((worker) => worker.run());
    const stop = async () => {
      ending.reject(new Error('the test has ended')); // calls that it never answered
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
    };
    return new ScriptedProcess(environment, stop, scripts);
  }

  async end(): Promise<void> {
    await this.stopWorker();
    await this.environment.teardown();
  }

  /** Of any workflow. */
  async eventsOf(workflowId: string) {
    const { events } = await this.environment.client.workflow.getHandle(workflowId).fetchHistory();
    return events ?? [];
  }

  /** Starts the run of a report that behaves as scripted. */
  async begin(reportId: string, script: Script = {}, policy: Partial<Policy> = {}): Promise<ScriptedRun> {
    const whole = { ...defaultPolicy, ...policy };
    const lookUpReport: Script['lookUpReport'] = ({ runId }) => Promise.resolve(lookedUp(runId, { policy: whole }));
    const closeReport: Script['closeReport'] = ({ isConfirmed }) =>
      Promise.resolve(whole.confirmation && !isConfirmed ? toBeConfirmed : written('closed'));
    this.scripts.set(reportId, { lookUpReport, closeReport, ...script });
    const handle = await this.environment.client.workflow.start(workflowType, {
      workflowId: workflowIdOf(reportId),
      taskQueue,
      args: [{ reportId }],
    });
    return {
      signal: (name, payload) => handle.signal(name, payload),
      update: (name, ...args) => handle.executeUpdate(name, { args: [{ by: 'eve', ...args[0] }] }),
      status: () => handle.query<RunStatus>('status'),
      runId: async () => (await handle.describe()).runId,
      activities: async () => {
        const { events } = await handle.fetchHistory();
        return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
      },
      result: () => handle.result() as Promise<RunResult>,
      until: (what, fits) =>
        until(`${reportId}: ${what}`, async () => {
          const status = await handle.query<RunStatus>('status');
          return fits(status) && status;
        }),
    };
  }
}

export interface ScriptedRun {
  signal(name: string, payload?: object): Promise<void>;
  update(name: UpdateName, request?: object): Promise<RunStatus>;
  status(): Promise<RunStatus>;
  /** Of the last run, if it has continued as new. */
  runId(): Promise<string>;
  /** The types of those that were scheduled, in order; without local ones. */
  activities(): Promise<string[]>;
  result(): Promise<RunResult>;
  until(what: string, fits: (status: RunStatus) => boolean): Promise<RunStatus>;
}

/** An attempt that Temporal repeats, because this process was paused, gets the answer to the first one. */
function answers() {
  const known = new Map<string, Promise<unknown>>();
  return (input: unknown, call: () => Promise<unknown>): Promise<unknown> => {
    const { workflowExecution, activityId, activityType } = Context.current().info;
    const key = JSON.stringify([workflowExecution?.runId, activityId, activityType, input]);
    const answer = known.get(key) ?? call();
    known.set(key, answer);
    answer.catch((error: unknown) => {
      const isFinal = error instanceof ApplicationFailure && error.nonRetryable;
      if (!isFinal) known.delete(key);
    });
    return answer;
  };
}

/** However long the test takes to answer. */
async function whileHeartbeating<T>(call: Promise<T>): Promise<T> {
  const context = Context.current();
  const heartbeats = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(), second);
  return call.finally(() => clearInterval(heartbeats));
}

/** Rejects once the test has ended. */
function untilEnd() {
  let reject = (_: Error): void => undefined;
  const promise = new Promise<never>((_, no) => (reject = no));
  promise.catch(() => undefined);
  return { promise, reject };
}

/** What an activity is given, and what it returns. */
export type Input<K extends keyof Activities> = Parameters<Activities[K]>[0];
export type Output<K extends keyof Activities> = Awaited<ReturnType<Activities[K]>>;

/** An activity that a test lets succeed or fail when it wants to. */
export function controlled<K extends keyof Activities>() {
  const calls: { input: Input<K>; succeed: (output: Output<K>) => void; fail: (error: unknown) => void }[] = [];
  return {
    calls,
    activity: (input: Input<K>) => new Promise<Output<K>>((succeed, fail) => calls.push({ input, succeed, fail })),
    /** The n-th call, from 1. */
    call: (n: number) => until(`call ${n}`, () => calls[n - 1]),
  };
}

/** The same for a step that is first tried as a local activity: that attempt fails, and the test has the activity that follows. */
export function controlledAfterLocal<K extends keyof Activities>() {
  const { activity, ...rest } = controlled<K>();
  const afterLocal = (input: Input<K>) =>
    Context.current().info.isLocal ? Promise.reject(new Error('not now')) : activity(input);
  return { ...rest, activity: afterLocal };
}
