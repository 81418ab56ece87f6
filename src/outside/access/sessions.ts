/** Who is logged in. As with tokens, only hashes of the random ids are stored. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Subject } from '../../contract/access.js';
import { hashOf } from './api-tokens.js';
import type { Db } from '../database/database.js';

/** A working day. A role revoked at the provider stays in effect until then. */
const sessionHours = 10;

export interface Sessions {
  /** Returns the id, which is the secret of the session. */
  open(subject: Subject): Promise<string>;
  /** Undefined if there is none, or it has expired. */
  subjectOf(id: string): Promise<Subject | undefined>;
  close(id: string): Promise<void>;
  /** Ends every session of somebody. Returns how many. */
  endAllOf(name: string): Promise<number>;
}

export function sessionTable(db: Db): Sessions {
  return {
    async open({ name, scopes }) {
      await db
        .deleteFrom('sessions')
        .where('expiresAt', '<', sql<Date>`now()`)
        .execute();
      const id = randomBytes(32).toString('base64url');
      const expiresAt = sql<Date>`now() + ${sessionHours} * interval '1 hour'`;
      await db
        .insertInto('sessions')
        .values({ hash: hashOf(id), name, scopes: [...scopes], expiresAt })
        .execute();
      return id;
    },

    subjectOf: (id) =>
      db
        .selectFrom('sessions')
        .select(['name', 'scopes'])
        .where('hash', '=', hashOf(id))
        .where('expiresAt', '>', sql<Date>`now()`)
        .executeTakeFirst(),

    async close(id) {
      await db.deleteFrom('sessions').where('hash', '=', hashOf(id)).execute();
    },

    async endAllOf(name) {
      const { numDeletedRows } = await db.deleteFrom('sessions').where('name', '=', name).executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}
