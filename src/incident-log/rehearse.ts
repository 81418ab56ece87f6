/**
 * Forecasts what a policy would have done with a log of incidents. Time is simulated, and nothing but the file is needed. The rules
 * are those by which the workflow and its activities decide.
 */
import type { SkipReason } from '../contract/survey.js';
import { afterBusinessTime, quietUntil } from '../customer/calendar.js';
import { confirmationEndsAt } from '../policy/deadlines.js';
import { questionNamed, type Cap, type Question } from '../policy/questions.js';
import type { Policy, PolicyFor } from '../policy/settings.js';
import { nextState, type State } from '../policy/status.js';
import { sampleBucketOf, skipReason, type EligibilityFacts } from '../policy/survey.js';
import type { Incident } from './read.js';

/** The outcome of one cycle. Times are ISO 8601, UTC. */
export interface RehearsedCycle {
  report: string;
  cycle: number;
  clearedAt?: string;
  closedAt?: string;
  survey?: 'sent' | SkipReason;
  /** When the survey goes out, if it does. */
  surveyAt?: string;
}

export interface Forecast {
  reports: number;
  closed: number;
  closings: number;
  sent: number;
  skipped: Record<string, number>;
  cycles: RehearsedCycle[];
}

export interface RehearsalOptions {
  /** As `closeout replay` does it: everything at the same moment, and each change only after the one before it took effect. */
  atOnce: boolean;
}

export function rehearse(incidents: Incident[], policyFor: PolicyFor, options: RehearsalOptions): Forecast {
  const rehearsal = new Rehearsal(options);
  const reports = incidents.map((incident) => new SimulatedReport(incident, policyFor));
  rehearsal.run(reports);
  return forecastOf(reports);
}

class SimulatedReport {
  readonly policy: Policy;
  readonly question: Question;
  readonly cycles: RehearsedCycle[];
  state: State = 'open';
  /** Counts the changes of state, so that a step planned before a change is dropped. */
  changes = 0;

  constructor(
    readonly incident: Incident,
    policyFor: PolicyFor,
  ) {
    const { id, severity, category, customerId, serviceProblemId } = incident;
    this.policy = policyFor({ severity, ticketType: category, customerId, serviceProblemId });
    this.question = questionNamed(this.policy.survey.question, policyFor.questions);
    this.cycles = [{ report: id, cycle: 1 }];
  }

  get cycle(): RehearsedCycle {
    return this.cycles.at(-1) as RehearsedCycle;
  }

  /** `closeout replay` makes up an address for every known customer. */
  get hasAddress(): boolean {
    return this.incident.customerId !== undefined;
  }

  /** The survey's question is asked on the confirmation page. */
  get isAskedOnPage(): boolean {
    return this.policy.confirmation !== null && this.hasAddress;
  }
}

interface Step {
  at: number;
  run: () => void;
}

interface SentSurvey {
  report: SimulatedReport;
  at: number;
}

class Rehearsal {
  private readonly steps: Step[] = [];
  private readonly sent: SentSurvey[] = [];

  constructor(private readonly options: RehearsalOptions) {}

  run(reports: SimulatedReport[]): void {
    for (const report of reports)
      for (const change of report.incident.changes)
        if (this.options.atOnce) this.change(report, change);
        else insert(this.steps, { at: Date.parse(change.at), run: () => this.change(report, change) });
    let step = this.steps.pop();
    while (step) {
      step.run();
      step = this.steps.pop();
    }
  }

  private change(report: SimulatedReport, { kind, at }: Incident['changes'][number]): void {
    const before = report.state;
    report.state = nextState(report.state, kind);
    if (report.state === before) return;
    report.changes++;
    const { cycle } = report;
    if (report.state === 'cleared') {
      cycle.clearedAt = at;
      const now = this.options.atOnce ? 0 : Date.parse(at);
      this.plan(report, now, report.policy.holdDown, (due) => this.confirm(report, due));
    } else if (report.state === 'cancelled') {
      cycle.survey = 'cancelled';
    } else if (before === 'closed') {
      cycle.survey ??= 'reopened';
      report.cycles.push({ report: cycle.report, cycle: cycle.cycle + 1 });
    }
  }

  /** The log does not record what customers said, so every customer is assumed to be silent. */
  private confirm(report: SimulatedReport, now: number): void {
    const { confirmation, survey } = report.policy;
    if (!confirmation) return this.close(report, now);
    if (confirmation.onSilence === 'hold') return; // until the customer or an operator decides
    if (!report.hasAddress) return this.close(report, now);
    const askedAt = quietUntil(new Date(now), survey.quietHours, undefined) ?? new Date(now);
    const endsAt = confirmationEndsAt(confirmation, askedAt, (start, ms) =>
      afterBusinessTime(start, ms, confirmation.businessHours, undefined),
    );
    this.plan(report, now, endsAt.getTime() - now, (due) => this.close(report, due));
  }

  private close(report: SimulatedReport, now: number): void {
    report.state = 'closed';
    report.cycle.closedAt = new Date(now).toISOString();
    report.changes++;
    const { enabled, delay } = report.policy.survey;
    this.plan(report, now, enabled && !report.isAskedOnPage ? delay : 0, (due) => this.ask(report, due));
  }

  private ask(report: SimulatedReport, now: number): void {
    const { survey } = report.policy;
    const reason = skipReason(factsOf(report, this.sent, now), survey, report.question.cap);
    const isMailedNow = !reason && !this.options.atOnce && !report.isAskedOnPage;
    const until = isMailedNow ? quietUntil(new Date(now), survey.quietHours, undefined) : undefined;
    if (until) return this.plan(report, now, until.getTime() - now, (due) => this.ask(report, due));
    report.cycle.survey = reason ?? 'sent';
    if (reason) return;
    report.cycle.surveyAt = new Date(now).toISOString();
    this.sent.push({ report, at: now });
  }

  /** Plans what follows after a wait, which the next change may cut short. */
  private plan(report: SimulatedReport, now: number, wait: number, run: (due: number) => void): void {
    if (this.options.atOnce) return run(now);
    const { changes } = report;
    const due = now + wait;
    const step = () => {
      if (report.changes === changes) run(due);
    };
    insert(this.steps, { at: due, run: step });
  }
}

/** Latest first, so that the next step is taken from the end. Of two steps at the same time, the one planned first comes first. */
function insert(steps: Step[], step: Step): void {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((steps[middle]?.at ?? 0) <= step.at) high = middle;
    else low = middle + 1;
  }
  steps.splice(low, 0, step);
}

function factsOf(report: SimulatedReport, sent: SentSurvey[], now: number): EligibilityFacts {
  const { customerId, serviceProblemId, id } = report.incident;
  const { contactCap } = report.policy.survey;
  const toCustomer = sent.filter((survey) => customerId && survey.report.incident.customerId === customerId);
  const { question } = report;
  const isSince = ({ at }: SentSurvey, cap: Cap | null) => at > now - (cap?.per ?? 0);
  const isSameQuestion = (survey: SentSurvey) => survey.report.question.name === question.name;
  const isSameProblem = ({ report: { incident } }: SentSurvey) =>
    serviceProblemId !== undefined && incident.serviceProblemId === serviceProblemId && incident.id !== id;
  return {
    status: report.state === 'closed' ? 'closed' : 'inProgress',
    isCurrentCycle: true,
    isRecleared: report.cycle.cycle > 1,
    hasAddress: report.hasAddress || report.policy.survey.channel === 'handover',
    optedOut: false,
    suppressed: false,
    sentToCustomer: toCustomer.filter((survey) => isSince(survey, contactCap)).length,
    askedTheQuestion: toCustomer.filter((survey) => isSameQuestion(survey) && isSince(survey, question.cap)).length,
    sentForReport: sent.filter((survey) => survey.report === report).length,
    askedForServiceProblem: toCustomer.some(isSameProblem),
    sampleBucket: sampleBucketOf(id),
    byOperator: false,
  };
}

function forecastOf(reports: SimulatedReport[]): Forecast {
  const cycles = reports.flatMap((report) => report.cycles);
  const skipped: Record<string, number> = {};
  for (const { survey } of cycles) if (survey && survey !== 'sent') skipped[survey] = (skipped[survey] ?? 0) + 1;
  return {
    reports: reports.length,
    closed: reports.filter(({ state }) => state === 'closed').length,
    closings: cycles.filter(({ closedAt }) => closedAt !== undefined).length,
    sent: cycles.filter(({ survey }) => survey === 'sent').length,
    skipped,
    cycles,
  };
}
