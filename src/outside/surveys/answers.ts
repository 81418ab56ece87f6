/** What customers say: one answer a survey, which they may change for a while, and what they write back. */
import { sql, type Insertable, type Selectable } from 'kysely';
import type { AnsweredSignal } from '../../contract/messages.js';
import type { Complaint, Score } from '../../contract/reports.js';
import { linkState } from '../../policy/survey.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
import { noteEvent } from './surveys.js';

export interface Answer {
  score?: Score;
  solved?: boolean;
  complaints?: Complaint[];
  comment?: string;
}

export type StoredAnswer = Selectable<Database['answers']>;
export type Message = Selectable<Database['messages']>;

/** What the report's run is told of an answer: never the comment. */
export function toSignal({ survey_id: surveyId, revision, score, solved }: StoredAnswer): AnsweredSignal {
  return { surveyId, revision, ...(score ? { score } : {}), ...(solved === null ? {} : { solved }) };
}

export type Answers = ReturnType<typeof answerTable>;

export function answerTable(db: Db) {
  return {
    of: (surveyId: string) => db.selectFrom('answers').selectAll().where('survey_id', '=', surveyId).executeTakeFirst(),

    revisionsOf: (surveyId: string) =>
      db.selectFrom('answer_revisions').selectAll().where('survey_id', '=', surveyId).orderBy('revision').execute(),

    /** Stores an answer or its change, and returns what then stands; the same again changes nothing. Undefined: too late. */
    store: (surveyId: string, answer: Answer) => store(db, surveyId, answer),

    /** Whose run was not told of their newest revision, oldest first. */
    untold: (limit: number) =>
      db
        .selectFrom('answers')
        .selectAll()
        .whereRef('told_revision', '<', 'revision')
        .orderBy('changed_at')
        .limit(limit)
        .execute(),

    /** The report's run knows this revision. */
    async told(surveyId: string, revision: number): Promise<void> {
      await db
        .updateTable('answers')
        .set({ told_revision: revision })
        .where('survey_id', '=', surveyId)
        .where('told_revision', '<', revision)
        .execute();
    },

    /** False: this message was kept before. */
    async keepMessage(message: Insertable<Database['messages']>): Promise<boolean> {
      const kept = await db
        .insertInto('messages')
        .values(message)
        .onConflict((c) => c.doNothing())
        .executeTakeFirst();
      return kept.numInsertedOrUpdatedRows === 1n;
    },

    message: (id: string) => db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst(),

    messagesOf: (surveyId: string) =>
      db.selectFrom('messages').selectAll().where('survey_id', '=', surveyId).orderBy('at').execute(),

    async messageSent(id: string): Promise<void> {
      await db
        .updateTable('messages')
        .set({ sent_at: sql`now()` })
        .where('id', '=', id)
        .where('sent_at', 'is', null)
        .execute();
    },
  };
}

/** The survey's row is locked meanwhile: of ten clicks at once one counts. */
async function store(db: Db, surveyId: string, answer: Answer): Promise<StoredAnswer | undefined> {
  return db.transaction().execute(async (tx) => {
    const survey = await tx.selectFrom('surveys').selectAll().where('id', '=', surveyId).forUpdate().executeTakeFirst();
    const before = await tx.selectFrom('answers').selectAll().where('survey_id', '=', surveyId).executeTakeFirst();
    if (!survey) return undefined;
    const says = {
      score: answer.score ?? null,
      solved: answer.solved ?? null,
      complaints: answer.complaints ?? [],
      comment: answer.comment || null,
    };
    if (before && isSame(before, says)) return before;
    const state = linkState(survey, before?.at, new Date());
    if (state !== 'open' && state !== 'changeable') return undefined;
    const revision = (before?.revision ?? 0) + 1;
    await tx
      .insertInto('answer_revisions')
      .values({ survey_id: surveyId, revision, ...says })
      .execute();
    await noteEvent(tx, surveyId, before ? 'changed' : 'answered', {
      detail: says.score ? `${says.score} of 5` : 'not solved',
    });
    // Who answers has the mail, whether or not we have noted already that the relay took it.
    const answered = { state: 'answered' as const, sent_at: survey.sent_at ?? new Date() };
    if (!before) await tx.updateTable('surveys').set(answered).where('id', '=', surveyId).execute();
    return tx
      .insertInto('answers')
      .values({ survey_id: surveyId, ...says })
      .onConflict((c) => c.column('survey_id').doUpdateSet({ ...says, revision, changed_at: sql`now()` }))
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

type Said = Pick<StoredAnswer, 'score' | 'solved' | 'complaints' | 'comment'>;

const isSame = (a: Said, b: Said) =>
  a.score === b.score &&
  a.solved === b.solved &&
  a.comment === b.comment &&
  a.complaints.join() === b.complaints.join();
