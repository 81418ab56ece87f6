/** The output of `closeout timeline`. */
import Table from 'cli-table3';
import type { SurveyService } from '../client/surveys.js';
import type { Complaint } from '../contract/survey.js';

export interface ReportTimeline {
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
export async function readTimeline(surveys: SurveyService, reportId: string): Promise<ReportTimeline> {
  const timeline: ReportTimeline = { events: await surveys.timelineOf(reportId), answers: [], messages: [] };
  for (const { id, cycle } of await surveys.ofReport(reportId)) {
    for (const { revision, at, score, solved, complaints, comment } of await surveys.revisionsOf(id))
      timeline.answers.push({ cycle, revision, at, score, solved, complaints, comment });
    for (const { at, author, direction, text } of await surveys.messagesOf(id))
      timeline.messages.push({ cycle, at, from: author ?? (direction === 'in' ? 'customer' : 'operator'), text });
  }
  return timeline;
}

export function timelineTable({ events, answers, messages }: ReportTimeline): string {
  const table = new Table({ head: ['when', 'cycle', 'what', 'by', 'details'], style: { head: [], border: [] } });
  for (const { at, cycle, event, by, detail } of events)
    table.push([at.toISOString(), cycle, event, by ?? '', detail ?? '']);
  const answered = answers.map(answerLine);
  const written = messages.map(({ cycle, from, text }) => `${from}, cycle ${cycle}: ${JSON.stringify(text)}`);
  return [table.toString(), ...answered, ...written].join('\n');
}

function answerLine({
  cycle,
  revision,
  score,
  solved,
  complaints,
  comment,
}: ReportTimeline['answers'][number]): string {
  const parts = [`Answer ${revision} of cycle ${cycle}: ${score ?? 'no score'}`];
  if (solved !== null) parts.push(solved ? 'solved' : 'not solved');
  parts.push(...complaints);
  if (comment) parts.push(JSON.stringify(comment));
  return parts.join(', ');
}
