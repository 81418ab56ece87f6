import { ApplicationFailure, activityInfo } from '@temporalio/activity';
import type { Survey } from '../contract/survey.js';
import { hasCode } from '../contract/errors.js';
import { toClearing, toReport, type ReportRow } from '../outside/reports/row-mapping.js';
import { answeredSignal } from '../outside/surveys/answers.js';
import { surveyRecord } from '../outside/surveys/survey-row.js';
import type { Policy, PolicyRule } from '../policy/settings.js';
import type { ConfirmationStanding, Standing } from '../policy/standing.js';
import { stateOf, type State } from '../policy/status.js';
import { second } from '../policy/time.js';
import { confirmationStanding } from './ask-confirmation.js';
import type { Deps } from './deps.js';
import { restoreReport } from './restore-report.js';

export interface LookUpReport {
  reportId: string;
  runId: string;
  /** What the run has written, if it has looked before. */
  known?: Standing;
  /** The run's own knowledge counts, whatever another program has written since the database was restored. */
  isForced?: boolean;
}

export interface LookedUp extends Omit<Standing, 'attention'> {
  /** The run that now owns the report's row in the ledger. */
  runId: string;
  /** The state in the system of record, if another program has changed it. */
  observed?: State;
  customerId?: string;
  serviceProblemId?: string;
  /** The external system in which the ticket lives. */
  system?: string;
  /** What the policy was chosen by. */
  rule: PolicyRule;
  policy: Policy;
  /** The report's first cycle: 1, unless a report with its id was deleted before. */
  firstCycle: number;
  /** ISO 8601: the last clearing of this cycle that the customer was asked about. */
  askedAbout?: string;
  /** The last revision of the answer that was acted on. */
  actedOnRevision: number;
}

/**
 * How long to retry if the report does not exist yet: a signal may start the run just before the report is stored. After that, the run
 * parks.
 */
const missingReportGrace = 20 * second;

/**
 * What the ledger holds, and what the run has not received yet: it is enough to continue from. Safe to repeat: taking over the row again
 * changes nothing.
 */
export async function lookUpReport(deps: Deps, { reportId, runId, known, isForced }: LookUpReport): Promise<LookedUp> {
  const { ledger, surveys, answers, reports, policyFor } = deps;
  const listDiverged = async (error: unknown): Promise<never> => {
    if (hasCode(error, 'Diverged')) await ledger.listDiverged(reportId, error);
    throw error;
  };
  if (known) await restoreReport(deps, { reportId, runId, known, isForced: isForced ?? false }).catch(listDiverged);
  const row = await ledger.takeOver(reportId, runId).catch(retryWhileNew);
  const survey = await surveys.ofCycle(reportId, row.cycle);
  const answer = survey?.state === 'answered' ? await answers.of(survey.id) : undefined;
  const policy = policyFor(toReport(row));
  const contact = survey?.confirmation && policy.confirmation ? await reports.contactOf(reportId) : undefined;
  const observed = stateOf(row.status);
  return {
    ...decidedIn(row),
    runId,
    firstCycle: row.firstCycle,
    observed: observed === row.state ? undefined : observed,
    survey:
      survey && !isUndecided(row, survey)
        ? surveyRecord(survey)
        : { state: 'none', id: surveys.idOf(reportId, row.cycle) },
    reminded: survey?.remindedAt != null,
    confirmation: confirmationOf(row, survey, policy, (of) => confirmationStanding(of, policy.confirmation, contact)),
    askedAbout: survey?.confirmFor?.toISOString(),
    answer: answer && answeredSignal(answer),
    actedOnRevision: answer?.actedOnRevision ?? 0,
    customerId: row.customerId ?? undefined,
    serviceProblemId: row.serviceProblemId ?? undefined,
    system: row.system ?? undefined,
    rule: ruleOf(row),
    policy,
  };
}

/** A survey that was skipped when its customer was to confirm is decided again after the closing, which also records that it is over. */
const isUndecided = ({ state, expectedAt }: ReportRow, survey: Survey): boolean =>
  survey.state === 'skipped' && (state === 'cleared' || (state === 'closed' && expectedAt !== null));

const ruleOf = ({ ticketType, severity, priority, customerId }: ReportRow): PolicyRule => ({
  ticketType,
  severity,
  priority: priority ?? undefined,
  customerId: customerId ?? undefined,
});

function decidedIn(row: ReportRow) {
  const { state, cycle, rev, received, hold, releasedBy, skipSurveyBy, closedAt } = row;
  return {
    state,
    cycle,
    rev,
    received,
    clearing: toClearing(row),
    closedAt: closedAt?.toISOString(),
    hold: hold ?? undefined,
    releasedBy: releasedBy ?? undefined,
    skipSurveyBy: skipSurveyBy ?? undefined,
  };
}

/** The confirmation of this clearing, if the customer was asked. */
function confirmationOf(
  { state, clearedAt, releasedBy }: ReportRow,
  survey: Survey | undefined,
  policy: Policy,
  toStanding: (survey: Survey) => ConfirmationStanding,
): ConfirmationStanding | undefined {
  const { confirmation, confirmFor } = survey ?? {};
  if (!survey || !confirmation || confirmation === 'withdrawn') return undefined;
  // The customer is still to be asked. If nobody wants that any more, one whose mail the relay has accepted may still say "no".
  if (confirmation === 'queued' && policy.confirmation && !releasedBy) return undefined;
  const isAboutThis = state === 'closed' || confirmFor?.getTime() === clearedAt?.getTime();
  return isAboutThis && state !== 'open' ? toStanding(survey) : undefined;
}

function retryWhileNew(error: unknown): never {
  const isMissing = hasCode(error, 'ReportNotFound');
  const { currentAttemptScheduledTimestampMs, scheduledTimestampMs } = activityInfo();
  if (!isMissing || currentAttemptScheduledTimestampMs - scheduledTimestampMs > missingReportGrace) throw error;
  throw ApplicationFailure.create({
    type: 'ReportNotFound',
    message: error.message,
    nextRetryDelay: '2s',
    category: 'BENIGN',
  });
}
