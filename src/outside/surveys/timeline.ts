/** The timeline of surveys: what happened, when, and who asked for it. Never an address or a comment. */
import { sql, type Compilable } from 'kysely';
import type { SurveyEvent } from '../../contract/survey.js';
import type { Db } from '../database/database.js';

export interface EventDetails {
  /** The author. */
  by?: string;
  detail?: string;
}

export interface Timeline {
  add(surveyId: string, event: SurveyEvent, details?: EventDetails): Promise<void>;
  /** Does nothing if the same entry exists: the same mail may come in more than once. */
  addOnce(surveyId: string, event: SurveyEvent, detail: string): Promise<void>;
}

export function surveyTimeline(db: Db): Timeline {
  return {
    add: (surveyId, event, details) => addEvent(db, surveyId, event, details),

    async addOnce(surveyId, event, detail) {
      const known = await db
        .selectFrom('surveyEvents')
        .select('id')
        .where('surveyId', '=', surveyId)
        .where('event', '=', event)
        .where('detail', '=', detail)
        .executeTakeFirst();
      if (!known) await addEvent(db, surveyId, event, { detail });
    },
  };
}

export async function addEvent(
  db: Db,
  surveyId: string,
  event: SurveyEvent,
  { by, detail }: EventDetails = {},
): Promise<void> {
  await db.insertInto('surveyEvents').values({ surveyId, event, by, detail }).execute();
}

/** Runs an update and adds its timeline entry in one statement. Returns how many rows changed; if none, there is no entry. */
export async function changeWithEvent(
  db: Db,
  update: Compilable<{ id: string }>,
  event: SurveyEvent,
  { by, detail }: EventDetails = {},
): Promise<number> {
  const added = await sql`
    with changed as (${update})
    insert into survey_events (survey_id, event, by, detail)
    select id, ${event}, ${by ?? null}, ${detail ?? null} from changed`.execute(db);
  return Number(added.numAffectedRows ?? 0);
}
