/** What is measured. All contenders take turns, so that other load on the machine affects each of them. */
import proto from '@temporalio/proto';
import { workflowIdOf } from '../src/contract/ids.js';
import type { RunStatus } from '../src/contract/reports.js';
import { inParallel } from '../test/stack/in-parallel.js';
import type { Stack } from '../test/stack/stack.js';
import { statementsDuring } from '../test/stack/statements.js';
import { until } from '../test/stack/waiting.js';
import { names, type Contender, type Name } from './contenders.js';
import { cpuOfTree, residentMiB } from './cpu.js';
import type { MailServer } from './mail-server.js';
import { median } from './report.js';

export interface Bench {
  stack: Stack;
  mails: MailServer;
  contenders: Record<Name, Contender>;
  say: (line: string) => void;
}

export interface Sizes {
  rounds: number;
  storm: number;
  single: number;
  massClear: number;
}

/** CPU per closing, in ms, by process. */
export interface Cpu {
  worker: number;
  temporal: number;
  postgres: number;
}

export interface Storm {
  opensPerSecond: number;
  closedPerSecond: number;
  /** Until nothing more is done: in a storm, the tasks that follow a mail wait behind those that lead to one. */
  atRestPerSecond: number;
  cpu: Cpu;
}

export async function storms(bench: Bench, { rounds, storm }: Sizes): Promise<Record<Name, Storm[]>> {
  const results: Record<Name, Storm[]> = { floor: [], closeout: [], graphile: [] };
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const result = await stormOf(bench, bench.contenders[name], `STORM-${round}-${name}`, storm);
      results[name].push(result);
      bench.say(`storm ${round + 1} of ${rounds}, ${name}: ${result.closedPerSecond.toFixed(1)} per second`);
    }
  return results;
}

/** Opens reports, then clears all of them at once. The rate counts until the last mail, CPU until nothing more is done. */
async function stormOf({ stack, mails }: Bench, contender: Contender, prefix: string, count: number): Promise<Storm> {
  const ids = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  const openedAt = performance.now();
  await inParallel(ids, contender.open);
  const opensPerSecond = (1000 * count) / (performance.now() - openedAt);
  await contender.untilWaiting(ids);
  const used = () => cpuOf(stack, contender);
  const before = used();
  const clearedAt = performance.now();
  await inParallel(ids, contender.clear);
  const arrivals = await Promise.all(ids.map((id) => mails.arrival(contender.address(id))));
  const seconds = (Math.max(...arrivals) - clearedAt) / 1000;
  await contender.untilAtRest(prefix, count);
  const secondsToRest = (performance.now() - clearedAt) / 1000;
  const after = used();
  const perClosing = (part: keyof Cpu) => (1000 * (after[part] - before[part])) / count;
  return {
    opensPerSecond,
    closedPerSecond: count / seconds,
    atRestPerSecond: count / secondsToRest,
    cpu: { worker: perClosing('worker'), temporal: perClosing('temporal'), postgres: perClosing('postgres') },
  };
}

function cpuOf(stack: Stack, contender: Contender): Cpu {
  const pids = stack.pids();
  return {
    worker: contender.workerPids().reduce((sum, pid) => sum + cpuOfTree(pid), 0),
    temporal: cpuOfTree(pids['Temporal'] ?? 0),
    postgres: cpuOfTree(pids['PostgreSQL'] ?? 0),
  };
}

/** From cleared to mail in ms, one report after the other. */
export async function oneAtATime(bench: Bench, { single }: Sizes, prefix = 'ONE'): Promise<Record<Name, number[]>> {
  const { mails, contenders, say } = bench;
  const times: Record<Name, number[]> = { floor: [], closeout: [], graphile: [] };
  for (let round = 0; round < single; round++)
    for (const name of names) {
      const id = `${prefix}-${name}-${String(round).padStart(3, '0')}`; // none is the beginning of another
      const contender = contenders[name];
      await contender.open(id);
      await contender.untilWaiting([id]);
      const clearedAt = performance.now();
      await contender.clear(id);
      times[name].push((await mails.arrival(contender.address(id))) - clearedAt);
      await contender.untilAtRest(id, 1); // or its last steps would slow down the next one
    }
  say(`one at a time: ${single} of each`);
  return times;
}

export interface MassClear {
  reports: number;
  closedPerSecond: number;
  mailedPerSecond: number;
  /** From the signal to the closing of one other report, cleared in the middle. */
  singleReportSeconds: number;
}

export async function massClear(bench: Bench, { massClear: count }: Sizes): Promise<MassClear> {
  const { stack, mails, contenders, say } = bench;
  const { closeout } = contenders;
  const ids = Array.from({ length: count }, (_, n) => `MASS-${10_000 + n}`); // of one length, as a ticket system's are
  const open = (id: string) =>
    stack.open(id, { serviceProblemId: 'SP-BENCH', contact: { emailAddress: closeout.address(id) } });
  await inParallel(ids, open);
  await closeout.open('SINGLE');
  await closeout.untilWaiting([...ids, 'SINGLE']);
  say(`mass clear: ${count} are open`);
  const startedAt = performance.now();
  await stack.client.serviceProblems.clear({ serviceProblemId: 'SP-BENCH', perSecond: 500 });
  await until('a half to be closed', async () => (await closedOf(stack)) >= count / 2, 1_200_000);
  const clearedAt = performance.now();
  await closeout.clear('SINGLE');
  await until('the single one', async () => (await stack.client.get('SINGLE')).status === 'closed', 600_000);
  const singleReportSeconds = (performance.now() - clearedAt) / 1000;
  await until('all to be closed', async () => (await closedOf(stack)) === count, 1_200_000);
  const closedSeconds = (performance.now() - startedAt) / 1000;
  const arrivals = await Promise.all(ids.map((id) => mails.arrival(closeout.address(id))));
  const mailedSeconds = (Math.max(...arrivals) - startedAt) / 1000;
  say(`mass clear: closed after ${closedSeconds.toFixed(0)} s, mailed after ${mailedSeconds.toFixed(0)} s`);
  return {
    reports: count,
    closedPerSecond: count / closedSeconds,
    mailedPerSecond: count / mailedSeconds,
    singleReportSeconds,
  };
}

async function closedOf(stack: Stack): Promise<number> {
  const [row] = await stack.sql<{ count: string }>(
    `select count(*) from reports where service_problem_id = 'SP-BENCH' and state = 'closed'`,
  );
  return Number(row?.count);
}

/** Memory of a worker per 1,000 reports that wait, in MiB. */
export async function memoryPer1000({ contenders, say }: Bench, { storm }: Sizes): Promise<number> {
  const { closeout } = contenders;
  const memory = () => closeout.workerPids().reduce((sum, pid) => sum + residentMiB(pid), 0);
  const before = memory();
  const ids = Array.from({ length: storm }, (_, n) => `REST-${n}`);
  await inParallel(ids, closeout.open);
  await closeout.untilWaiting(ids);
  say(`memory: ${storm} more reports wait`);
  return ((memory() - before) * 1000) / storm / closeout.workerPids().length;
}

export interface PerClosure {
  /** Of the history, until the mail is sent. */
  events: number;
  /** Temporal Actions until the survey is answered and the run is done. */
  actions: number;
  /** Until the mail is sent, BEGIN and COMMIT included. */
  statements: number;
}

const { EventType } = proto.temporal.api.enums.v1;
/** Events that Temporal bills as an Action. */
const billed =
  /(EXECUTION_STARTED|SIGNALED|ACTIVITY_TASK_SCHEDULED|TIMER_STARTED|MARKER_RECORDED|UPSERT_\w+|UPDATE_ACCEPTED|CHILD_\w*INITIATED)$/;

/** Medians of three closings, because statements of a sweep may come in between. */
export async function perClosure(bench: Bench): Promise<PerClosure> {
  const costs: PerClosure[] = [];
  for (const id of ['COST-closeout-0', 'COST-closeout-1', 'COST-closeout-2']) costs.push(await costOf(bench, id));
  const of = (part: keyof PerClosure) => median(costs.map((cost) => cost[part]));
  return { events: of('events'), actions: of('actions'), statements: of('statements') };
}

async function costOf({ stack, contenders }: Bench, id: string): Promise<PerClosure> {
  await contenders.closeout.open(id);
  await stack.untilPhase(id, 'open', 1);
  const run = stack.temporal.workflow.getHandle(workflowIdOf(id));
  const statements = await statementsDuring(stack, async () => {
    await contenders.closeout.clear(id);
    await until('the survey to be sent', async () => (await run.query<RunStatus>('status')).survey.state === 'sent');
  });
  const events = (await run.describe()).historyLength;
  const survey = await stack.client.surveys.ofCycle(id, 1);
  await stack.client.surveys.answer(survey?.id ?? '', { score: 5 });
  await stack.untilPhase(id, 'done');
  const { events: all = [] } = await run.fetchHistory();
  const actions = all?.filter(({ eventType }) => billed.test(EventType[eventType ?? 0] ?? '')).length ?? 0;
  return { events, actions, statements: statements.length };
}
