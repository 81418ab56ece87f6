/** What `closeout timeline` and `closeout stats` print. */
import Table from 'cli-table3';
import type { SurveyDesk } from '../client/surveys.js';
import { fewAnswers, type Stats } from '../operator/satisfaction.js';

export interface Timeline {
  events: { at: Date; cycle: number; event: string; by: string | null; detail: string | null }[];
  answers: {
    cycle: number;
    revision: number;
    at: Date;
    score: number | null;
    solved: boolean | null;
    complaints: string[];
    comment: string | null;
  }[];
  messages: { cycle: number; at: Date; from: string; text: string }[];
}

/** Everything known of a report's surveys, oldest first. */
export async function timelineView(desk: SurveyDesk, reportId: string): Promise<Timeline> {
  const timeline: Timeline = { events: await desk.timelineOf(reportId), answers: [], messages: [] };
  for (const { id, cycle } of await desk.ofReport(reportId)) {
    for (const { revision, at, score, solved, complaints, comment } of await desk.revisionsOf(id))
      timeline.answers.push({ cycle, revision, at, score, solved, complaints, comment });
    for (const { at, author, direction, text } of await desk.messagesOf(id))
      timeline.messages.push({
        cycle,
        at,
        from: direction === 'in' ? (author ?? 'customer') : (author ?? 'operator'),
        text,
      });
  }
  return timeline;
}

const plain = { style: { head: [], border: [] } };

export function timelineTable({ events, answers, messages }: Timeline): string {
  const table = new Table({ head: ['when', 'cycle', 'what', 'by', 'more'], ...plain });
  for (const { at, cycle, event, by, detail } of events)
    table.push([at.toISOString(), cycle, event, by ?? '', detail ?? '']);
  const said = answers.map(({ cycle, revision, score, solved, complaints, comment }) =>
    [
      `Answer ${revision} of cycle ${cycle}: ${score ?? 'no score'}`,
      ...(solved === null ? [] : [solved ? 'solved' : 'not solved']),
      ...complaints,
      ...(comment ? [JSON.stringify(comment)] : []),
    ].join(', '),
  );
  const written = messages.map(({ cycle, from, text }) => `${from}, cycle ${cycle}: ${JSON.stringify(text)}`);
  return [table.toString(), ...said, ...written].join('\n');
}

export function statsTable(stats: Stats): string {
  const { csat, mean, distribution, responseRate } = stats;
  const table = new Table(plain);
  const ratings = distribution.reduce((a, b) => a + b);
  table.push(
    ['sent', stats.sent],
    ['delivered', stats.delivered],
    ['answered', `${stats.answered}${responseRate === null ? '' : ` (${responseRate} % of delivered)`}`],
    ['may still be answered', stats.waiting],
    ['expired', stats.expired],
    ['superseded', stats.superseded],
    ['undeliverable', stats.undeliverable],
    ...Object.entries(stats.skipped).map(([reason, count]): [string, number] => [`skipped: ${reason}`, count]),
    ['satisfied (4 and 5)', csat ? `${csat.value} % (${csat.low}-${csat.high} %)` : 'no data'],
    ['mean', mean ?? 'no data'],
    ...distribution.map((count, index): [string, number] => [`answered ${index + 1}`, count]),
  );
  return table.toString() + (ratings > 0 && ratings < fewAnswers ? '\nFew answers: these figures say little.' : '');
}
