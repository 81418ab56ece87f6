/** Customers' answers: one per survey, which the customer may change for a day. */
import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import type { AnsweredSignal } from '../../contract/messages.js';
import { scoreInWords } from '../../contract/scale.js';
import type { Answer, StoredAnswer } from '../../contract/survey.js';
import { linkState } from '../../policy/links.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import { addEvent } from './timeline.js';

export interface Answers {
  of(surveyId: string): Promise<StoredAnswer | undefined>;
  /** One revision of an answer. */
  revision(surveyId: string, revision: number): Promise<AnswerRevision | undefined>;
  /**
   * Stores an answer or its change, and returns what is stored then. Undefined if it is too late. Throws `LimitReached` if it was
   * changed too often. Safe to repeat.
   */
  store(surveyId: string, answer: Answer): Promise<StoredAnswer | undefined>;
  /** The report's run has acted on this revision. */
  markActedOn(surveyId: string, revision: number): Promise<void>;
}

export type AnswerRevision = Pick<StoredAnswer, 'score' | 'scale' | 'solved' | 'followUps' | 'comment'>;

/** The signal for the report's run. Never holds the comment. */
export function answeredSignal(answer: StoredAnswer): AnsweredSignal {
  const { surveyId, revision, score, scale, solved, changedAt, reopenUntil } = answer;
  return {
    surveyId,
    revision,
    score: score ?? undefined,
    scale,
    solved: solved ?? undefined,
    answeredAt: changedAt.toISOString(),
    reopenUntil: reopenUntil?.toISOString(),
  };
}

export function answerTable(db: Db): Answers {
  return {
    of: (surveyId) => answerOf(db, surveyId),

    revision: (surveyId, revision) =>
      db
        .selectFrom('answerRevisions')
        .innerJoin('surveys', 'surveys.id', 'answerRevisions.surveyId')
        .innerJoin('questions', 'questions.id', 'surveys.questionId')
        .select(['score', 'scale', 'solved', 'followUps', 'comment'])
        .where('surveyId', '=', surveyId)
        .where('revision', '=', revision)
        .executeTakeFirst(),

    store: (surveyId, answer) => db.transaction().execute((tx) => store(tx, surveyId, answer)),

    async markActedOn(surveyId, revision) {
      await db
        .updateTable('answers')
        .set({ actedOnRevision: revision })
        .where('surveyId', '=', surveyId)
        .where('actedOnRevision', '<', revision)
        .execute();
    },
  };
}

const answerOf = (db: Db, surveyId: string): Promise<StoredAnswer | undefined> =>
  db
    .selectFrom('answers')
    .innerJoin('surveys', 'surveys.id', 'answers.surveyId')
    .innerJoin('questions', 'questions.id', 'surveys.questionId')
    .selectAll('answers')
    .select(['scale', 'reopenUntil'])
    .where('surveyId', '=', surveyId)
    .executeTakeFirst();

/** Each may be a mail to an operator, a note in a ticket, and an event for each listener. */
const maxRevisions = 20;

/** The survey's row stays locked meanwhile: of ten clicks at once, one counts. */
async function store(tx: Db, surveyId: string, answer: Answer): Promise<StoredAnswer | undefined> {
  const survey = await tx.selectFrom('surveys').selectAll().where('id', '=', surveyId).forUpdate().executeTakeFirst();
  if (!survey) return undefined;
  const before = await answerOf(tx, surveyId);
  const content: Content = {
    score: answer.score ?? null,
    solved: answer.solved ?? null,
    followUps: answer.followUps ?? {},
    comment: answer.comment || null,
  };
  if (before && isSame(before, content)) return before;
  const state = linkState(survey, before?.at, now());
  if (state !== 'open' && state !== 'changeable') return undefined;
  const revision = (before?.revision ?? 0) + 1;
  if (revision > maxRevisions)
    throw new CloseoutError('LimitReached', `An answer can be changed at most ${maxRevisions - 1} times.`);
  const { scale } = await tx
    .selectFrom('questions')
    .select('scale')
    .where('id', '=', survey.questionId)
    .executeTakeFirstOrThrow();
  const detail = content.score === null ? 'not solved' : scoreInWords(content.score, scale);
  const values = { ...content, followUps: JSON.stringify(content.followUps) };
  await tx
    .insertInto('answerRevisions')
    .values({ surveyId, revision, ...values })
    .execute();
  await addEvent(tx, surveyId, before ? 'changed' : 'answered', { detail });
  if (!before) {
    // A customer who answers has the mail, whether or not its acceptance by the relay was recorded.
    const answered = { state: 'answered', reason: null, sentAt: survey.sentAt ?? now() } as const;
    await tx.updateTable('surveys').set(answered).where('id', '=', surveyId).execute();
  }
  const stored = await tx
    .insertInto('answers')
    .values({ surveyId, ...values })
    .onConflict((c) => c.column('surveyId').doUpdateSet({ ...values, revision, changedAt: sql`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow();
  return { ...stored, scale, reopenUntil: survey.reopenUntil };
}

type Content = Pick<StoredAnswer, 'score' | 'solved' | 'followUps' | 'comment'>;

const isSame = (a: Content, b: Content) =>
  a.score === b.score &&
  a.solved === b.solved &&
  a.comment === b.comment &&
  isDeepStrictEqual(a.followUps, b.followUps);
