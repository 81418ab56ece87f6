/**
 * 0031: from now on, answers of earlier cycles that no run has handled raise an alert. So far, those that reopened their reports were not
 * marked as handled, so all of them are marked here.
 */
import { sql, type Kysely, type Migration } from 'kysely';

export const handled: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      update answers a set acted_on_revision = a.revision from surveys s join reports r on r.id = s.report_id
      where s.id = a.survey_id and a.acted_on_revision < a.revision and s.cycle < r.cycle`.execute(db);
  },
};
