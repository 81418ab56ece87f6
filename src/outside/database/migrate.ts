/**
 * Brings the tables up to date, as a step of its own. While a release is rolled out, processes of the one before run on the newer tables,
 * so a migration never takes away what the release before needs.
 */
import { Migrator, sql } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import { openDatabase, type Db } from './database.js';
import { migrations } from './migrations.js';

/** A migration may rewrite a large table, and waits for the lock of another process that migrates; ms. */
const longMigration = 3_600_000;

/** Returns what was applied. Kysely's migrator holds an advisory lock, so many processes can start at once. Never goes back. */
export async function migrate(url: string): Promise<string[]> {
  const db = openDatabase(url, () => undefined, { max: 2, statementMs: longMigration, lockMs: longMigration });
  try {
    if ((await missing(db)).length === 0) return [];
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
    const { error, results = [] } = await migrator.migrateToLatest();
    if (error) throw error as Error;
    return results.map(({ migrationName }) => migrationName);
  } finally {
    await db.destroy();
  }
}

/** Tables that are newer than this version are fine. Throws `DatabaseOutdated` if they are older. */
export async function assertMigrated(url: string): Promise<void> {
  const db = openDatabase(url, () => undefined, { max: 1 });
  try {
    const [first] = await missing(db);
    if (first !== undefined)
      throw new CloseoutError(
        'DatabaseOutdated',
        `The database lacks ${first}, which this version needs; run "closeout migrate".`,
      );
  } finally {
    await db.destroy();
  }
}

/** The migrations of this version that the database lacks. */
async function missing(db: Db): Promise<string[]> {
  const table = sql<{ found: boolean }>`select to_regclass('kysely_migration') is not null as found`;
  const isNew = !(await table.execute(db)).rows[0]?.found;
  const { rows } = isNew ? { rows: [] } : await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const applied = new Set(rows.map(({ name }) => name));
  return Object.keys(migrations).filter((name) => !applied.has(name));
}
