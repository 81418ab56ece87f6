/** The output of `closeout rehearse`. */
import Table from 'cli-table3';
import type { Forecast, RehearsedCycle } from '../incident-log/rehearse.js';

const longestList = 20;

export function comparisonTable(current: Forecast, rehearsed: Forecast): string {
  const table = new Table({ head: ['', 'current policy', 'this policy'], style: { head: [], border: [] } });
  const reasons = [...new Set([...Object.keys(current.skipped), ...Object.keys(rehearsed.skipped)])].sort();
  table.push(
    ['reports', current.reports, rehearsed.reports],
    ['closings', current.closings, rehearsed.closings],
    ['closed in the end', current.closed, rehearsed.closed],
    ['surveys sent', current.sent, rehearsed.sent],
    ...reasons.map((reason) => [`skipped: ${reason}`, current.skipped[reason] ?? 0, rehearsed.skipped[reason] ?? 0]),
  );
  const keyOf = ({ report, cycle }: RehearsedCycle) => `${report}/${cycle}`;
  const before = new Map(current.cycles.map((cycle) => [keyOf(cycle), cycle]));
  const differing = rehearsed.cycles.filter((cycle) => !isSame(before.get(keyOf(cycle)), cycle));
  const lines = differing
    .slice(0, longestList)
    .map((cycle) => `  ${describe(before.get(keyOf(cycle)))}  →  ${describe(cycle)}`);
  if (differing.length > longestList) lines.push(`  and ${differing.length - longestList} more; --json lists all`);
  return [table.toString(), `${differing.length} cycles differ.`, ...lines].join('\n');
}

const isSame = (a: RehearsedCycle | undefined, b: RehearsedCycle): boolean => JSON.stringify(a) === JSON.stringify(b);

function describe(cycle: RehearsedCycle | undefined): string {
  if (!cycle) return 'no such cycle';
  return `${cycle.report} cycle ${cycle.cycle}: closed ${cycle.closedAt ?? 'never'}, survey ${cycle.survey ?? 'none'}`;
}
