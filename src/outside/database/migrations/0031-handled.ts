/** 0031: answers that have reopened their reports count as handled: the sweep alerts an operator to those of earlier cycles that do not. */
import { sql, type Kysely, type Migration } from 'kysely';

export const handled: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      update answers a set acted_on_revision = a.revision from surveys s join reports r on r.id = s.report_id
      where s.id = a.survey_id and a.acted_on_revision < a.revision and s.cycle < r.cycle`.execute(db);
  },
};
