/** Everything that happened to a report, read from wherever it was written. */
import type { TimelineEntry } from '../../contract/timeline.js';
import { isOpen, stateOf } from '../../policy/status.js';
import type { Db } from '../database/database.js';

/** Oldest first. Holds customers' words: for operators only. */
export async function reportTimeline(db: Db, reportId: string): Promise<TimelineEntry[]> {
  const entries = await Promise.all([
    statuses(db, reportId),
    operations(db, reportId),
    surveyEvents(db, reportId),
    answers(db, reportId),
    messages(db, reportId),
  ]);
  return entries.flat().sort((a, b) => a.at.getTime() - b.at.getTime());
}

async function statuses(db: Db, reportId: string): Promise<TimelineEntry[]> {
  const rows = await db
    .selectFrom('statusChanges')
    .selectAll()
    .where('reportId', '=', reportId)
    .orderBy('id')
    .execute();
  return rows.map(({ status, at, cycle, by, reason }, index) => {
    const before = rows[index - 1]?.status;
    return {
      kind: 'status',
      status,
      at,
      cycle,
      by: by ?? undefined,
      words: reason ?? undefined,
      isOpening: before === undefined && isOpen(status),
      isReopening: before !== undefined && isOpen(status) && stateOf(before) !== 'open',
    };
  });
}

async function operations(db: Db, reportId: string): Promise<TimelineEntry[]> {
  const rows = await db.selectFrom('operations').selectAll().where('reportId', '=', reportId).orderBy('id').execute();
  return rows.map(({ name, at, cycle, by, note }) => ({
    kind: 'operation',
    operation: name,
    at,
    cycle,
    by,
    words: note ?? undefined,
  }));
}

async function surveyEvents(db: Db, reportId: string): Promise<TimelineEntry[]> {
  const rows = await db
    .selectFrom('surveyEvents')
    .innerJoin('surveys', 'surveys.id', 'surveyEvents.surveyId')
    .select(['cycle', 'event', 'by', 'detail', 'at'])
    .where('reportId', '=', reportId)
    .orderBy('surveyEvents.id')
    .execute();
  return rows.flatMap(({ event, at, cycle, by, detail }): TimelineEntry[] => {
    // The answers and messages say more.
    if (event === 'answered' || event === 'changed' || event === 'wroteBack' || event === 'replied') return [];
    return [{ kind: 'survey', event, at, cycle, by: by ?? undefined, detail: detail ?? undefined }];
  });
}

async function answers(db: Db, reportId: string): Promise<TimelineEntry[]> {
  const rows = await db
    .selectFrom('answerRevisions')
    .innerJoin('surveys', 'surveys.id', 'answerRevisions.surveyId')
    .innerJoin('questions', 'questions.id', 'surveys.questionId')
    .select(['cycle', 'revision', 'score', 'scale', 'solved', 'followUps', 'comment', 'answerRevisions.at'])
    .where('reportId', '=', reportId)
    .orderBy('revision')
    .execute();
  return rows.map(({ at, cycle, revision, score, scale, solved, followUps, comment }) => ({
    kind: 'answer',
    at,
    cycle,
    by: 'customer',
    revision,
    score: score ?? undefined,
    scale,
    solved: solved ?? undefined,
    followUps,
    words: comment ?? undefined,
  }));
}

async function messages(db: Db, reportId: string): Promise<TimelineEntry[]> {
  const rows = await db
    .selectFrom('messages')
    .innerJoin('surveys', 'surveys.id', 'messages.surveyId')
    .select(['cycle', 'direction', 'author', 'text', 'messages.at', 'messages.sentAt', 'messages.failure'])
    .where('reportId', '=', reportId)
    .orderBy('messages.at')
    .execute();
  return rows.map(({ at, cycle, direction, author, text, sentAt, failure }) => ({
    kind: 'message',
    at,
    cycle,
    direction,
    isSent: direction === 'out' ? sentAt !== null : undefined,
    failure: failure ?? undefined,
    by: author ?? 'customer',
    words: text,
  }));
}
