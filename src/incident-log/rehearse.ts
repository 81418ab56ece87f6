/**
 * What a policy would have done with recorded histories. Time is simulated and nothing is needed but the file: the rules are the
 * very ones that the workflow and its activities decide by.
 */
import Table from 'cli-table3';
import type { SkipReason } from '../contract/reports.js';
import type { History } from './read.js';
import type { Policy, PolicyFor } from '../policy/settings.js';
import { apply, type Situation } from '../policy/status.js';
import { skipReason, type SendFacts } from '../policy/survey.js';
import { sampleBucketOf } from '../outside/surveys/addresses.js';
import { afterBusinessTime, quietUntil } from '../customer/calendar.js';

/** What became of one cycle. Times are ISO 8601, UTC. */
export interface RehearsedCycle {
  report: string;
  cycle: number;
  clearedAt?: string;
  closedAt?: string;
  survey?: 'sent' | SkipReason;
}

export interface Forecast {
  reports: number;
  closed: number;
  closings: number;
  sent: number;
  skipped: Record<string, number>;
  cycles: RehearsedCycle[];
}

interface Simulated {
  history: History;
  policy: Policy;
  situation: Situation;
  cycles: RehearsedCycle[];
  /** Counts the changes of status, so that a step that was planned before one is dropped. */
  turn: number;
}

interface Step {
  at: number;
  run: () => void;
}

export interface RehearsalOptions {
  /** As `closeout replay` does it: everything within one moment, and no change before the one before it took effect. */
  atOnce: boolean;
}

export function rehearse(histories: History[], policyFor: PolicyFor, { atOnce }: RehearsalOptions): Forecast {
  const steps: Step[] = [];
  const asked: { report: Simulated; cycle: number; at: number }[] = [];
  const reports = histories.map((history): Simulated => {
    const { severity, category: ticketType, customerId, id } = history;
    const policy = policyFor({ severity, ticketType, ...(customerId ? { customerId } : {}) });
    return { history, policy, situation: { status: 'open', at: null }, cycles: [{ report: id, cycle: 1 }], turn: 0 };
  });

  /** What follows after a wait that the next change may cut short. */
  const plan = (report: Simulated, at: number, wait: number, run: (now: number) => void) => {
    const { turn } = report;
    if (atOnce) return run(at);
    insert(steps, { at: at + wait, run: () => void (report.turn === turn && run(at + wait)) });
  };

  /** Histories do not say what customers would have said, so each is taken to be silent. */
  const confirm = (report: Simulated, now: number) => {
    const { confirmation } = report.policy;
    if (!confirmation || !hasAddress(report)) return close(report, now);
    if (confirmation.onSilence === 'hold') return; // until somebody says more
    const { window, businessHours } = confirmation;
    const asked = quietUntil(new Date(now), report.policy.survey.quietHours, undefined) ?? new Date(now);
    const until = afterBusinessTime(asked, window, businessHours, undefined).getTime();
    plan(report, now, until - now, (due) => close(report, due));
  };

  const close = (report: Simulated, now: number) => {
    report.situation = { status: 'closed', at: report.situation.at };
    current(report).closedAt = new Date(now).toISOString();
    report.turn++;
    const { enabled, delay } = report.policy.survey;
    plan(report, now, enabled && !isAskedBefore(report) ? delay : 0, (due) => ask(report, due));
  };

  const ask = (report: Simulated, now: number) => {
    const { survey } = report.policy;
    const reason = skipReason(factsOf(report, asked, now), survey);
    const until =
      reason || atOnce || isAskedBefore(report) ? undefined : quietUntil(new Date(now), survey.quietHours, undefined);
    if (until) return plan(report, now, until.getTime() - now, (due) => ask(report, due));
    current(report).survey = reason ?? 'sent';
    if (!reason) asked.push({ report, cycle: current(report).cycle, at: now });
  };

  const change = (report: Simulated, { kind, at }: History['changes'][number]) => {
    const before = report.situation;
    report.situation = apply(before, { kind, at });
    const { status } = report.situation;
    if (status === before.status) return;
    report.turn++;
    const cycle = current(report);
    if (status === 'cleared') {
      cycle.clearedAt = at;
      plan(report, atOnce ? 0 : Date.parse(at), report.policy.holdDown, (now) => confirm(report, now));
    } else if (status === 'cancelled') cycle.survey = 'cancelled';
    else if (before.status === 'closed') {
      cycle.survey ??= 'reopened';
      report.cycles.push({ report: cycle.report, cycle: cycle.cycle + 1 });
    }
  };

  for (const report of reports)
    for (const next of report.history.changes)
      if (atOnce) change(report, next);
      else insert(steps, { at: Date.parse(next.at), run: () => change(report, next) });
  for (let step = steps.pop(); step; step = steps.pop()) step.run();
  return sumUp(reports);
}

/** As `closeout replay` makes addresses. */
const hasAddress = ({ history }: Simulated): boolean => history.customerId !== undefined;

/** The question stands on the page of the confirmation. */
const isAskedBefore = (report: Simulated): boolean => report.policy.confirmation !== null && hasAddress(report);

const current = (report: Simulated): RehearsedCycle => report.cycles.at(-1) as RehearsedCycle;

/** Latest first, so that the next one is taken from the end; of two at the same time the one planned first comes first. */
function insert(steps: Step[], step: Step): void {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((steps[middle]?.at ?? 0) <= step.at) high = middle;
    else low = middle + 1;
  }
  steps.splice(low, 0, step);
}

function factsOf(report: Simulated, asked: { report: Simulated; cycle: number; at: number }[], now: number): SendFacts {
  const { customerId, serviceProblemId, id } = report.history;
  const { contactCap } = report.policy.survey;
  const { cycle } = current(report);
  const ofCustomer = asked.filter(({ report: { history } }) => customerId && history.customerId === customerId);
  return {
    status: report.situation.status === 'closed' ? 'closed' : 'inProgress',
    isCurrentCycle: true,
    isRecleared: cycle > 1,
    hasAddress: hasAddress(report),
    optedOut: false,
    suppressed: false,
    sentToCustomer: ofCustomer.filter(({ at }) => at > now - (contactCap?.per ?? 0)).length,
    sentForReport: asked.filter((one) => one.report === report).length,
    askedForServiceProblem: ofCustomer.some(
      ({ report: { history } }) =>
        serviceProblemId !== undefined && history.serviceProblemId === serviceProblemId && history.id !== id,
    ),
    sampleBucket: sampleBucketOf(id),
    byOperator: false,
  };
}

function sumUp(reports: Simulated[]): Forecast {
  const cycles = reports.flatMap((report) => report.cycles);
  const skipped: Record<string, number> = {};
  for (const { survey } of cycles) if (survey && survey !== 'sent') skipped[survey] = (skipped[survey] ?? 0) + 1;
  return {
    reports: reports.length,
    closed: reports.filter(({ situation }) => situation.status === 'closed').length,
    closings: cycles.filter(({ closedAt }) => closedAt !== undefined).length,
    sent: cycles.filter(({ survey }) => survey === 'sent').length,
    skipped,
    cycles,
  };
}

export function comparisonTable(now: Forecast, then: Forecast): string {
  const table = new Table({ head: ['', 'current policy', 'this policy'], style: { head: [], border: [] } });
  const reasons = [...new Set([...Object.keys(now.skipped), ...Object.keys(then.skipped)])].sort();
  table.push(
    ['reports', now.reports, then.reports],
    ['closings', now.closings, then.closings],
    ['closed in the end', now.closed, then.closed],
    ['surveys sent', now.sent, then.sent],
    ...reasons.map((reason) => [`skipped: ${reason}`, now.skipped[reason] ?? 0, then.skipped[reason] ?? 0]),
  );
  const key = ({ report, cycle }: RehearsedCycle) => `${report}/${cycle}`;
  const before = new Map(now.cycles.map((cycle) => [key(cycle), cycle]));
  const differing = then.cycles.filter((cycle) => JSON.stringify(before.get(key(cycle))) !== JSON.stringify(cycle));
  const lines = differing.slice(0, 20).map((cycle) => `  ${words(before.get(key(cycle)))}  →  ${words(cycle)}`);
  const more = differing.length > 20 ? [`  and ${differing.length - 20} more; --json has all`] : [];
  return [table.toString(), `${differing.length} cycles come out differently.`, ...lines, ...more].join('\n');
}

const words = (cycle: RehearsedCycle | undefined): string =>
  cycle
    ? `${cycle.report} cycle ${cycle.cycle}: closed ${cycle.closedAt ?? 'never'}, survey ${cycle.survey ?? 'none'}`
    : 'no such cycle';
