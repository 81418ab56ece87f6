/** One survey as the database keeps it. */
import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import type { Survey, SurveyRecord } from '../../contract/survey.js';
import type { Db } from '../database/database.js';

/** The id of the survey of a cycle. */
export type SurveyIdOf = (reportId: string, cycle: number) => string;

/**
 * Cannot be guessed without the key, because it is part of links and Message-IDs, but is always the same: a row that was lost and
 * made again fits the mail that was sent. 20 lower-case characters, 100 bits: mail systems may change the case of an address.
 */
export const surveyIdsBy =
  (key: Buffer): SurveyIdOf =>
  (reportId, cycle) => {
    const hash = createHmac('sha256', key).update(`survey:${reportId}:${cycle}`).digest('hex');
    return BigInt(`0x${hash.slice(0, 25)}`)
      .toString(32)
      .padStart(20, '0');
  };

/** At most one: unique by report and cycle. */
export const surveyOfCycle = (db: Db, reportId: string, cycle: number): Promise<Survey | undefined> =>
  db.selectFrom('surveys').selectAll().where('reportId', '=', reportId).where('cycle', '=', cycle).executeTakeFirst();

/** Adds the address of the last mail if this one goes to another, because a bounce may come days after an address was corrected. */
export const earlierAddresses = (addressHash: string | null) => sql<string[]>`
  case when mailed_to <> ${addressHash} and not mailed_to = any(earlier_addresses) then earlier_addresses || mailed_to
    else earlier_addresses end`;

export const mailedTo = (addressHash: string) => ({
  mailedTo: addressHash,
  earlierAddresses: earlierAddresses(addressHash),
});

/** For a mail that went out although the survey has moved on: the link in it is of that address all the same. */
export async function noteMailedTo(db: Db, id: string, addressHash: string): Promise<void> {
  await db.updateTable('surveys').set(mailedTo(addressHash)).where('id', '=', id).execute();
}

/** The survey as a run and `closeout status` see it. A queued survey is not visible yet. */
export function surveyRecord({ state, reason, id, ...survey }: Survey): SurveyRecord {
  if (state === 'queued') return { state: 'none', id };
  return {
    state,
    reason: reason ?? undefined,
    id: state === 'skipped' ? undefined : id,
    sentAt: survey.sentAt?.toISOString(),
    expiresAt: survey.expiresAt?.toISOString(),
    reopenUntil: survey.reopenUntil?.toISOString(),
  };
}
