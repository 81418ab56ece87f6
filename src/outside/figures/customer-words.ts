/** What customers said last, in any way: in a survey, by mail, or when they said that a problem is not fixed. */
import { sql } from 'kysely';
import type { FollowUpAnswers } from '../../contract/question.js';
import type { ScaleName } from '../../contract/scale.js';
import { writtenBelow } from '../../operator/follow-ups.js';
import type { Db } from '../database/database.js';

export interface CustomerWords {
  reportId: string;
  at: Date;
  /** Present if it was an answer to a survey that gave one. */
  score: number | null;
  scale: ScaleName | null;
  /** False: the customer says that the problem is not solved. */
  solved: boolean | null;
  words: string | null;
  /** Who wrote, if it was not the customer's own address. */
  author: string | null;
}

type Said = CustomerWords & { followUps: FollowUpAnswers | null };

/** Newest first. Each part is an index scan. The reason of a "no" is in the history, because the survey holds only that of the last one. */
export async function customerWords(db: Db, limit: number): Promise<CustomerWords[]> {
  const { rows } = await sql<Said>`
    select * from (
      (select s.report_id, a.changed_at as at, a.score, q.scale, a.solved, a.comment as words, a.follow_ups, null as author
        from answers a join surveys s on s.id = a.survey_id join questions q on q.id = s.question_id order by a.changed_at desc limit ${limit})
      union all
      (select s.report_id, m.at, null, null, null, m.text, null, m.author
        from messages m join surveys s on s.id = m.survey_id where m.direction = 'in' order by m.at desc limit ${limit})
      union all
      (select s.report_id, s.confirmed_at, null, null, false, null, null, null
        from surveys s where s.confirmation = 'no' and s.confirm_reason is null order by s.confirmed_at desc limit ${limit})
      union all
      (select c.report_id, c.at, null, null, false, c.reason, null, null
        from status_changes c where c.by = 'customer' and c.reason is not null order by c.at desc limit ${limit})
    ) as said order by at desc limit ${limit}`.execute(db);
  return rows.map(({ followUps, ...said }) => ({ ...said, words: writtenBelow(said.words, followUps ?? {}) ?? null }));
}
