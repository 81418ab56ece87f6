/** Tokens of the HTTP API, each with a name of its own. Only their hashes are stored. */
import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { tokenPrefix, type ApiToken, type Scope, type Subject } from '../../contract/access.js';
import type { Db } from '../database/database.js';

export interface ApiTokens {
  /** Returns the token, which is shown once. Undefined if the name is taken. */
  create(name: string, scopes: readonly Scope[]): Promise<string | undefined>;
  list(): Promise<ApiToken[]>;
  /** Returns false if no token has this name. */
  revoke(name: string): Promise<boolean>;
  /** Undefined if the token is not known. */
  subjectOf(token: string): Promise<Subject | undefined>;
}

export function apiTokenTable(db: Db): ApiTokens {
  return {
    async create(name, scopes) {
      const token = tokenPrefix + randomBytes(32).toString('base64url');
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('apiTokens')
        .values({ name, hash: hashOf(token), scopes: [...scopes] })
        .onConflict((c) => c.column('name').doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows ? token : undefined;
    },

    async list() {
      const rows = await db.selectFrom('apiTokens').selectAll().orderBy('name').execute();
      return rows.map(({ name, scopes, createdAt, lastUsedAt }) => ({
        name,
        scopes,
        createdAt: createdAt.toISOString(),
        lastUsedAt: lastUsedAt?.toISOString(),
      }));
    },

    async revoke(name) {
      const { numDeletedRows } = await db.deleteFrom('apiTokens').where('name', '=', name).executeTakeFirst();
      return numDeletedRows > 0n;
    },

    async subjectOf(token) {
      if (!token.startsWith(tokenPrefix)) return undefined;
      const hash = hashOf(token);
      const found = await db
        .selectFrom('apiTokens')
        .select([
          'name',
          'scopes',
          sql<boolean>`coalesce(last_used_at < now() - interval '1 hour', true)`.as('isStale'),
        ])
        .where('hash', '=', hash)
        .executeTakeFirst();
      if (found?.isStale)
        await db
          .updateTable('apiTokens')
          .set({ lastUsedAt: sql<Date>`greatest(created_at, date_trunc('hour', now()))` })
          .where('hash', '=', hash)
          .execute();
      return found && { name: found.name, scopes: found.scopes };
    },
  };
}

/** Of a random secret, so no salt is needed. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
