/** The output of `closeout rehearse`. */
import type { Forecast, RehearsedCycle } from '../incident-log/rehearse.js';
import { skipInWords } from '../policy/state-in-words.js';
import { localTime, table } from './terminal.js';

const maxListed = 20;

/** `withTimes`: the forecast says when things happen, not only whether. */
export function comparisonTable(current: Forecast, rehearsed: Forecast, withTimes: boolean): string {
  const reasons = [...new Set([...Object.keys(current.skipped), ...Object.keys(rehearsed.skipped)])].sort();
  const counts: [string, number, number][] = [
    ['Reports', current.reports, rehearsed.reports],
    ['Closings', current.closings, rehearsed.closings],
    ['Closed in the end', current.closed, rehearsed.closed],
    ['Surveys sent', current.sent, rehearsed.sent],
    ...reasons.map((reason): [string, number, number] => [
      `Not sent: ${skipInWords(reason)}`,
      current.skipped[reason] ?? 0,
      rehearsed.skipped[reason] ?? 0,
    ]),
  ];
  const summary = table(
    ['', 'CURRENT POLICY', 'NEW POLICY'],
    counts.map((row) => row.map(String)),
    true,
  );
  const [before, then] = [current, rehearsed].map(
    ({ cycles }) => new Map(cycles.map((cycle) => [`${cycle.report} ${cycle.cycle}`, cycle])),
  );
  // A cycle may be in one of them only.
  const differing = [...new Set([...(then?.keys() ?? []), ...(before?.keys() ?? [])])]
    .map((key) => ({
      cycle: then?.get(key) ?? before?.get(key),
      outcomes: [before, then].map((cycles) => outcome(cycles?.get(key), withTimes)),
    }))
    .filter(({ outcomes: [a, b] }) => a?.join() !== b?.join());
  const differ = `${differing.length} ${differing.length === 1 ? 'cycle differs' : 'cycles differ'}.`;
  if (differing.length === 0) return [summary, '', differ].join('\n');
  const rows = differing
    .slice(0, maxListed)
    .map(({ cycle, outcomes }) => [cycle?.report ?? '', String(cycle?.cycle), ...outcomes.flat()]);
  const head = ['REPORT', 'CYCLE', 'CLOSED (CURRENT)', 'SURVEY (CURRENT)', 'CLOSED (NEW)', 'SURVEY (NEW)'];
  const more = differing.length > maxListed ? [`and ${differing.length - maxListed} more; --json lists all`] : [];
  return [summary, '', differ, table(head, rows, true), ...more].join('\n');
}

function outcome(cycle: RehearsedCycle | undefined, withTimes: boolean): [closed: string, survey: string] {
  if (!cycle) return ['no such cycle', ''];
  const { closedAt, survey, surveyAt } = cycle;
  const closed = closedAt === undefined ? 'never' : withTimes ? localTime(closedAt) : 'yes';
  if (survey === 'sent') return [closed, withTimes && surveyAt ? localTime(surveyAt) : 'sent'];
  return [closed, survey === undefined ? 'none' : `not sent: ${skipInWords(survey)}`];
}
