/** The do-not-contact lists: opt-outs and suppressions, stored as a hash that outlives the address. */
import { createHmac } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { sql } from 'kysely';
import type { Db } from '../database/database.js';
import { changeWithEvent } from './timeline.js';

/** Where an opt-out came from: our page or one-click header, a complaint to the mail provider, or a mail program. */
export type OptOutSource = 'link' | 'complaint' | 'unsubscription';

/** No other file computes the hash of an address. */
export interface DoNotContact {
  hashOf(address: string): string;
  /** Adds an address that the relay or a bounce refused permanently. */
  suppress(addressHash: string, refusal: { reason: string; source: 'rcpt' | 'dsn'; reportId: string }): Promise<void>;
  isSuppressed(address: string): Promise<boolean>;
  /** Opted out, or for a mail also suppressed. */
  isBlocked(address: string, channel: 'mail' | 'handover'): Promise<boolean>;
  optOut(survey: { id: string; reportId: string }, addressHash: string, source: OptOutSource): Promise<void>;
  /** Newest first. The addresses are hashes, so an entry is known by the report that it came from. */
  list(limit: number): Promise<DoNotContactEntry[]>;
  /** The customer wants surveys after all; a suppression stays. Safe to repeat. */
  undoOptOut(survey: { id: string }, addressHash: string): Promise<void>;
  /** The hash of the address of a survey whose report was deleted. Undefined if there is none. */
  removedMailedTo(surveyId: string): Promise<string | undefined>;
  /** `optOut` and `undoOptOut` for such a survey, of which nothing else is stored. */
  optOutOfRemoved(addressHash: string, source: OptOutSource): Promise<void>;
  undoOptOutOfRemoved(addressHash: string): Promise<void>;
  /** Takes an address off both lists. Returns whether it was on one. Safe to repeat. */
  lift(address: string): Promise<boolean>;
}

export interface DoNotContactEntry {
  /** `optedOut`: the customer's own wish; `suppressed`: mail to the address was refused permanently. */
  kind: 'optedOut' | 'suppressed';
  reportId: string | null;
  reason: string | null;
  source: string;
  at: Date;
}

/** As a relay and its reports write it: an internationalised domain in ASCII. */
function normalised(address: string): string {
  const [, local = address, domain = ''] = /^(.*)@([^@]*)$/s.exec(address.trim().normalize('NFC').toLowerCase()) ?? [];
  return `${local}@${domainToASCII(domain) || domain}`;
}

/** The hash cannot be reversed without the key. Exported for its test. */
export const hashAddress = (address: string, key: Buffer): string =>
  createHmac('sha256', key).update(normalised(address)).digest('base64url');

export function doNotContactLists(db: Db, key: Buffer): DoNotContact {
  const hashOf = (address: string) => hashAddress(address, key);
  return {
    hashOf,

    async suppress(addressHash, refusal) {
      await db
        .insertInto('suppressions')
        .values({ addressHash, ...refusal })
        .onConflict((c) => c.doNothing())
        .execute();
    },

    async isSuppressed(address) {
      const found = await sql`select from suppressions where address_hash = ${hashOf(address)}`.execute(db);
      return found.rows.length > 0;
    },

    async isBlocked(address, channel) {
      const hash = hashOf(address);
      const found = await sql`
        select from opt_outs where address_hash = ${hash}
        union all select from suppressions where address_hash = ${hash} and ${channel} = 'mail'`.execute(db);
      return found.rows.length > 0;
    },

    async optOut({ id, reportId }, addressHash, source) {
      const add = db
        .insertInto('optOuts')
        .values({ addressHash, source, reportId })
        .onConflict((c) => c.doNothing())
        .returning(sql<string>`${id}::text`.as('id'));
      await changeWithEvent(db, add, 'optedOut', source === 'link' ? {} : { detail: source });
    },

    async undoOptOut({ id }, addressHash) {
      const remove = db
        .deleteFrom('optOuts')
        .where('addressHash', '=', addressHash)
        .returning(sql<string>`${id}::text`.as('id'));
      await changeWithEvent(db, remove, 'optOutUndone');
    },

    async removedMailedTo(surveyId) {
      const removed = db.selectFrom('removedSurveys').select('mailedTo').where('id', '=', surveyId);
      return (await removed.executeTakeFirst())?.mailedTo;
    },

    async optOutOfRemoved(addressHash, source) {
      await db
        .insertInto('optOuts')
        .values({ addressHash, source })
        .onConflict((c) => c.doNothing())
        .execute();
    },

    async undoOptOutOfRemoved(addressHash) {
      await db.deleteFrom('optOuts').where('addressHash', '=', addressHash).execute();
    },

    async list(limit) {
      const { rows } = await sql<DoNotContactEntry>`
        select 'optedOut' as kind, report_id, null as reason, source, at from opt_outs
        union all select 'suppressed', report_id, reason, source, at from suppressions
        order by at desc limit ${limit}`.execute(db);
      return rows;
    },

    async lift(address) {
      const hash = hashOf(address);
      const { rows } = await sql`
        with opted as (delete from opt_outs where address_hash = ${hash} returning 1),
          suppressed as (delete from suppressions where address_hash = ${hash} returning 1)
        select from opted union all select from suppressed`.execute(db);
      return rows.length > 0;
    },
  };
}
