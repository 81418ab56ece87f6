/** What `closeout timeline` and `closeout stats` print. */
import Table from 'cli-table3';
import type { SurveyService } from '../client/surveys.js';
import type { Complaint } from '../contract/survey.js';
import { scores } from '../contract/survey.js';
import { fewAnswers, type Stats } from '../operator/satisfaction.js';

export interface Timeline {
  events: { at: Date; cycle: number; event: string; by: string | null; detail: string | null }[];
  answers: {
    cycle: number;
    revision: number;
    at: Date;
    score: number | null;
    solved: boolean | null;
    complaints: Complaint[];
    comment: string | null;
  }[];
  messages: { cycle: number; at: Date; from: string; text: string }[];
}

/** Everything known about a report's surveys, oldest first. */
export async function readTimeline(surveys: SurveyService, reportId: string): Promise<Timeline> {
  const timeline: Timeline = { events: await surveys.timelineOf(reportId), answers: [], messages: [] };
  for (const { id, cycle } of await surveys.ofReport(reportId)) {
    for (const { revision, at, score, solved, complaints, comment } of await surveys.revisionsOf(id))
      timeline.answers.push({ cycle, revision, at, score, solved, complaints, comment });
    for (const { at, author, direction, text } of await surveys.messagesOf(id))
      timeline.messages.push({ cycle, at, from: author ?? (direction === 'in' ? 'customer' : 'operator'), text });
  }
  return timeline;
}

const plain = { style: { head: [], border: [] } };

export function timelineTable({ events, answers, messages }: Timeline): string {
  const table = new Table({ head: ['when', 'cycle', 'what', 'by', 'details'], ...plain });
  for (const { at, cycle, event, by, detail } of events)
    table.push([at.toISOString(), cycle, event, by ?? '', detail ?? '']);
  const answered = answers.map(answerLine);
  const written = messages.map(({ cycle, from, text }) => `${from}, cycle ${cycle}: ${JSON.stringify(text)}`);
  return [table.toString(), ...answered, ...written].join('\n');
}

function answerLine({ cycle, revision, score, solved, complaints, comment }: Timeline['answers'][number]): string {
  const parts = [`Answer ${revision} of cycle ${cycle}: ${score ?? 'no score'}`];
  if (solved !== null) parts.push(solved ? 'solved' : 'not solved');
  parts.push(...complaints);
  if (comment) parts.push(JSON.stringify(comment));
  return parts.join(', ');
}

export function statsTable(stats: Stats): string {
  const { csat, mean, ratings, distribution, responseRate } = stats;
  const table = new Table(plain);
  table.push(
    ['sent', stats.sent],
    ['delivered', stats.delivered],
    ['answered', responseRate === null ? stats.answered : `${stats.answered} (${responseRate} % of delivered)`],
    ['open', stats.waiting],
    ['expired', stats.expired],
    ['superseded', stats.superseded],
    ['undeliverable', stats.undeliverable],
    ...Object.entries(stats.skipped).map(([reason, count]): [string, number] => [`skipped: ${reason}`, count]),
    ['satisfied (4 and 5)', csat ? `${csat.value} % (${csat.low}-${csat.high} %)` : 'no data'],
    ['mean', mean ?? 'no data'],
    ...scores.map((score, index): [string, number] => [`answered ${score}`, distribution[index] ?? 0]),
  );
  const hint = ratings > 0 && ratings < fewAnswers ? '\nThere are too few answers for reliable figures.' : '';
  return table.toString() + hint;
}
