/** What is measured: times from cleared to mail, CPU, and history events. */
import { readFileSync } from 'node:fs';
import { workflowIdOf } from '../src/contract/ids.js';
import type { Stack } from '../test/stack/stack.js';
import type { Contender, MailServer, Pair } from './contenders.js';

export const rounds = 60;
/** Reports of each contender, cleared in batches. */
export const burst = 300;
export const batch = 75;

export interface Bench {
  stack: Stack;
  mails: MailServer;
  contenders: Pair<Contender>;
}

/** From cleared to mail in ms, in turns, so that other load on the machine affects both. */
export async function oneAtATime(
  { stack, mails, contenders }: Bench,
  count: number,
  name: string,
): Promise<Pair<number[]>> {
  const times: Pair<number[]> = { bare: [], closeout: [] };
  for (let round = 0; round < count; round++) {
    for (const who of ['bare', 'closeout'] as const) {
      const contender = contenders[who];
      const id = `${name}-${who}-${round}`;
      await contender.prepare(id);
      await stack.untilPhase(id, 'open', 1);
      const clearedAt = performance.now();
      await contender.clear(id);
      times[who].push((await mails.arrival(contender.address(id))) - clearedAt);
      await contender.atRest(id);
    }
  }
  return times;
}

export interface Burst {
  times: number[];
  seconds: number;
  /** CPU seconds of the worker's process and of the Temporal server. */
  worker: number;
  server: number;
}

export async function inBursts(bench: Bench): Promise<Pair<Burst>> {
  const none = (): Burst => ({ times: [], seconds: 0, worker: 0, server: 0 });
  const result = { bare: none(), closeout: none() };
  for (let begin = 0; begin < burst; begin += batch) {
    const order: (keyof Pair<Burst>)[] = begin % (2 * batch) === 0 ? ['bare', 'closeout'] : ['closeout', 'bare'];
    for (const who of order) {
      const ids = Array.from({ length: batch }, (_, n) => `BURST-${who}-${begin + n}`);
      await clearBatch(bench, bench.contenders[who], ids, result[who]);
    }
  }
  return result;
}

/** Clears all at once, and adds up the cost until every mail has arrived and every run is at rest. */
async function clearBatch({ stack, mails }: Bench, contender: Contender, ids: string[], sum: Burst): Promise<void> {
  for (const id of ids) await contender.prepare(id);
  for (const id of ids) await stack.untilPhase(id, 'open', 1);
  const cpu = () => [cpuSeconds(contender.workerPid()), cpuSeconds(stack.pids()['Temporal'] ?? 0)] as const;
  const [worker, server] = cpu();
  const clearedAt = performance.now();
  await Promise.all(ids.map((id) => contender.clear(id)));
  const arrivals = await Promise.all(ids.map((id) => mails.arrival(contender.address(id))));
  await Promise.all(ids.map((id) => contender.atRest(id)));
  const [workerAfter, serverAfter] = cpu();
  const times = arrivals.map((at) => at - clearedAt);
  sum.times.push(...times);
  sum.seconds += Math.max(...times) / 1000;
  sum.worker += workerAfter - worker;
  sum.server += serverAfter - server;
}

/** User and system time of a process so far (proc(5): fields 14 and 15, in ticks of 10 ms). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Events of a bare run, and of a Closeout run when its mail has arrived and when it is answered and done. */
export interface HistoryEvents {
  bare: number;
  mailed: number;
  done: number;
}

export async function historyEvents(stack: Stack): Promise<HistoryEvents> {
  const length = async (workflowId: string) =>
    (await stack.temporal.workflow.getHandle(workflowId).describe()).historyLength;
  const id = `ONE-closeout-${rounds - 1}`;
  const mailed = await length(workflowIdOf(id));
  const survey = await stack.client.surveys.ofCycle(id, 1);
  await stack.client.surveys.answer(survey?.id ?? '', { score: 5 });
  await stack.untilPhase(id, 'done');
  return { bare: await length(`bare:ONE-bare-${rounds - 1}`), mailed, done: await length(workflowIdOf(id)) };
}

const others = 150;

/**
 * From cleared to mail in ms, for one report that is cleared just after many others. `bulk`: the others are marked as such, so that
 * their activities have a lower priority.
 */
export async function behindOthers({ stack, mails, contenders }: Bench, name: string, bulk: boolean): Promise<number> {
  const { closeout } = contenders;
  const ids = Array.from({ length: others }, (_, n) => `${name}-${n}`);
  const single = `${name}-single`;
  for (const id of [...ids, single]) await stack.open(id);
  for (const id of [...ids, single]) await stack.untilPhase(id, 'open', 1);
  const clear = (id: string, payload: object) =>
    stack.temporal.workflow.getHandle(workflowIdOf(id)).signal('cleared', payload);
  await Promise.all(ids.map((id) => clear(id, { bulk })));
  const clearedAt = performance.now();
  await clear(single, {});
  const time = (await mails.arrival(closeout.address(single))) - clearedAt;
  for (const id of ids) await mails.arrival(closeout.address(id));
  return time;
}
