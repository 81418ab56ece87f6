/** What customers said last, in any way: in a survey, by mail, or when they said that a problem is not fixed. */
import { sql } from 'kysely';
import type { ScaleName } from '../../contract/scale.js';
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

/** Newest first. Each part is an index scan. */
export async function customerWords(db: Db, limit: number): Promise<CustomerWords[]> {
  const { rows } = await sql<CustomerWords>`
    select * from (
      (select s.report_id, a.changed_at as at, a.score, q.scale, a.solved, a.comment as words, null as author
        from answers a join surveys s on s.id = a.survey_id join questions q on q.id = s.question_id order by a.changed_at desc limit ${limit})
      union all
      (select s.report_id, m.at, null, null, null, m.text, m.author
        from messages m join surveys s on s.id = m.survey_id where m.direction = 'in' order by m.at desc limit ${limit})
      union all
      (select s.report_id, s.confirmed_at, null, null, false, s.confirm_reason, null
        from surveys s where s.confirmation = 'no' order by s.confirmed_at desc limit ${limit})
    ) as said order by at desc limit ${limit}`.execute(db);
  return rows;
}
