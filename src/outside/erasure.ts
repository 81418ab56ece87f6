/** Removes personal data: on request, or when reports are old. Scores, states and hashed opt-outs stay. */
import { sql, type Transaction } from 'kysely';
import { CloseoutError } from '../contract/errors.js';
import { endedStatuses } from '../policy/status.js';
import type { Db } from './database/database.js';
import type { Database } from './database/schema.js';
import { addEvent } from './surveys/timeline.js';

type Tx = Transaction<Database>;

export interface CustomerErasure {
  /** Returns the ids of the customer's reports. Throws `NotFound`. Safe to repeat. */
  erase(customerId: string): Promise<string[]>;
  /** Removes the personal data of reports that ended before this time. Returns how many there were. Safe to repeat. */
  forgetEndedBefore(time: Date): Promise<number>;
}

/** Reports per transaction. */
const batchSize = 200;

export function customerErasure(db: Db): CustomerErasure {
  return {
    erase: (customerId) => db.transaction().execute((tx) => eraseCustomer(tx, customerId)),

    async forgetEndedBefore(time) {
      let forgotten = 0;
      let count: number;
      do {
        count = await db.transaction().execute((tx) => forgetNext(tx, time));
        forgotten += count;
      } while (count > 0);
      return forgotten;
    },
  };
}

async function eraseCustomer(tx: Tx, customerId: string): Promise<string[]> {
  const locked = tx.selectFrom('customers').select('id').where('id', '=', customerId).forUpdate();
  if (!(await locked.executeTakeFirst()))
    throw new CloseoutError('NotFound', `There is no customer ${customerId}.`, 'customer');
  const rows = await tx.selectFrom('reports').select('id').where('customerId', '=', customerId).execute();
  const ids = rows.map(({ id }) => id);
  await eraseReports(tx, ids);
  return ids;
}

async function forgetNext(tx: Tx, time: Date): Promise<number> {
  const rows = await tx
    .selectFrom('reports')
    .select('id')
    .where('status', 'in', endedStatuses)
    .where(sql<Date>`coalesce(closed_at, last_update)`, '<', time)
    .where((eb) => eb.or([eb('forgottenAt', 'is', null), eb('lastUpdate', '>', eb.ref('forgottenAt'))]))
    .limit(batchSize)
    .forUpdate()
    .skipLocked()
    .execute();
  const ids = rows.map(({ id }) => id);
  await eraseReports(tx, ids);
  return ids.length;
}

async function eraseReports(tx: Tx, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const contacts = await tx.deleteFrom('contacts').where('reportId', 'in', ids).returningAll().execute();
  for (const id of ids) {
    const contact = contacts.find(({ reportId }) => reportId === id);
    await eraseReport(tx, id, [contact?.name ?? '', contact?.emailAddress ?? '']);
  }
  await tx.updateTable('statusChanges').set({ reason: null, by: null }).where('reportId', 'in', ids).execute();
  const surveys = await tx.selectFrom('surveys').select(['id', 'state']).where('reportId', 'in', ids).execute();
  for (const { id, state } of surveys) await eraseSurvey(tx, id, state);
}

/** Attributes of a ticket's document that hold names, addresses or customers' words. */
const personal = ['relatedContactInformation', 'note', 'attachment'];

/** A name or address may also be quoted in the report's texts. */
async function eraseReport(tx: Tx, id: string, personalWords: string[]): Promise<void> {
  const words = personalWords.filter((word) => word.length > 2);
  const report = await tx.selectFrom('reports').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const document = Object.fromEntries(Object.entries(report.document).filter(([name]) => !personal.includes(name)));
  const { relatedParty } = document;
  if (Array.isArray(relatedParty))
    document['relatedParty'] = (relatedParty as object[]).map((party) => ({ ...party, name: undefined }));
  await tx
    .updateTable('reports')
    .set({
      document: JSON.stringify(withoutWords(document, words)),
      description: withoutWords(report.description, words) as string,
      name: withoutWords(report.name, words) as string | null,
      statusReason: null,
      forgottenAt: sql`now()`,
    })
    .where('id', '=', id)
    .execute();
}

/** An open survey ends: nobody is left to answer it. */
async function eraseSurvey(tx: Tx, id: string, state: string): Promise<void> {
  const isOpen = state === 'queued' || state === 'sent';
  await tx.updateTable('surveys').set({ confirmReason: null }).where('id', '=', id).execute();
  const endConfirmation = tx.updateTable('surveys').set({ confirmation: 'unreachable' }).where('id', '=', id);
  await endConfirmation.where('confirmation', 'in', ['queued', 'sent']).execute();
  const mark = { reason: 'erased', state: isOpen ? ('expired' as const) : undefined };
  if (isOpen || state === 'answered') await tx.updateTable('surveys').set(mark).where('id', '=', id).execute();
  await tx.updateTable('answers').set({ comment: null }).where('surveyId', '=', id).execute();
  await tx.updateTable('answerRevisions').set({ comment: null }).where('surveyId', '=', id).execute();
  await tx.updateTable('messages').set({ text: '', messageId: null }).where('surveyId', '=', id).execute();
  await addEvent(tx, id, 'erased');
}

function withoutWords(value: unknown, words: string[]): unknown {
  if (words.length === 0) return value;
  if (typeof value === 'string') {
    const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return value.replace(new RegExp(escaped.join('|'), 'gi'), '[erased]');
  }
  if (Array.isArray(value)) return value.map((entry) => withoutWords(entry, words));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutWords(entry, words)]));
}
