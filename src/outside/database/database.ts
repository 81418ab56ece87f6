/** The connection pool to PostgreSQL, its errors as errors that Closeout names, and the migrations. */
import { CamelCasePlugin, Kysely, Migrator, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { CloseoutError } from '../../contract/errors.js';
import { migrations } from './migrations.js';
import type { Database } from './schema.js';

export type Db = Kysely<Database>;

/** `onError` is called for connections that break between queries; queries report their own errors. */
export function openDatabase(url: string, onError: (error: Error) => void): Db {
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5_000 });
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError)); // without it, a connection that breaks while in use ends the process
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: translated(pool) }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/** Kysely's migrator holds an advisory lock, so many processes can start at once. */
export async function migrate(db: Db): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error as Error;
}

/** The pool as Kysely uses it, with the driver's errors translated. */
function translated(pool: pg.Pool): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect().catch(rethrow);
      const query = (sql: string, parameters: unknown[]) => client.query(sql, parameters).catch(rethrow);
      return { query, release: () => client.release() } as unknown as PostgresPoolClient; // all but cursors
    },
    end: () => pool.end(),
  };
}

/** Classes of SQLSTATE that blame the statement or its data. With any other, or none, the database itself has failed. */
const ownFault = /^(0A|21|22|23|42|44|P0)/;
/** A NUL in text or JSON, the only character that PostgreSQL does not store. */
const malformedText = new Set(['22021', '22P05']);

/** Decides by exclusion, because there are too many ways to lose a server to list. Exported for its test. */
export function rethrow(error: unknown): never {
  const { code } = error as { code?: unknown };
  const state = typeof code === 'string' ? code : '';
  if (malformedText.has(state))
    throw new CloseoutError('BadInput', 'The character NUL (U+0000) is not allowed anywhere.');
  if (ownFault.test(state) || error instanceof TypeError || error instanceof RangeError) throw error;
  throw new CloseoutError(
    'DatabaseUnavailable',
    `The database cannot be reached${state && ` (${state})`}; try again, and check that DATABASE_URL is right and PostgreSQL is up.`,
    undefined,
    { cause: error },
  );
}
