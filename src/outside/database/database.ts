/** The connection pool to PostgreSQL, and its errors as errors that Closeout names. */
import { randomUUID } from 'node:crypto';
import {
  CamelCasePlugin,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type Transaction,
} from 'kysely';
import pg from 'pg';
import { CloseoutError } from '../../contract/errors.js';
import { keepTime } from './clock.js';
import type { Database } from './schema.js';

export type Db = Kysely<Database>;
export type Tx = Transaction<Database>;

export interface PoolOptions {
  /** Connections at most. */
  max: number;
  /** How long one statement may take; ms. Shorter than an activity, so that none outlives the activity that asked for it. */
  statementMs: number;
  /** How long a statement waits for a lock; ms. One is held for milliseconds, unless a session hangs. */
  lockMs: number;
}

const usual: PoolOptions = { max: 10, statementMs: 8_000, lockMs: 3_000 };

/** `onError` is called for connections that break between queries; queries report their own errors. */
export function openDatabase(url: string, onError: (error: Error) => void, options: Partial<PoolOptions> = {}): Db {
  const { max, statementMs, lockMs } = { ...usual, ...options };
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    lock_timeout: lockMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: 15_000,
    // The server may not be there to end the statement: a connection that was lost without a word is found by our own clock.
    query_timeout: statementMs + 2_000,
  });
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError)); // without it, a connection that breaks while in use ends the process
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: translated(pool) }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/** Statements with more parameters are those with lists of varying length, and not worth preparing. */
const maxPrepared = 40;

/** The pool as Kysely uses it: statements prepared once per connection, errors translated, broken connections discarded. */
function translated(pool: pg.Pool): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect().catch(rethrow);
      let isBroken = false;
      const query = async (text: string, values: unknown[]) => {
        const name = values.length <= maxPrepared ? nameOf(text) : undefined;
        try {
          return await client.query({ name, text, values: [...values] }).catch((error: unknown) => {
            if (sqlStateOf(error) !== outdated) throw error;
            names.clear(); // from now on, each statement is prepared again, under a new name
            return client.query({ text, values: [...values] });
          });
        } catch (error) {
          isBroken ||= isLost(error);
          return rethrow(error);
        }
      };
      await keepTime(client).catch((error: unknown) => {
        client.release(true);
        return rethrow(error);
      });
      return { query, release: () => client.release(isBroken) } as unknown as PostgresPoolClient; // all but cursors
    },
    end: () => pool.end(),
  };
}

/** A migration has changed the columns that a prepared statement returns. Within a transaction, it cannot be repeated. */
const outdated = '0A000';

const names = new Map<string, string>();
/** Of a list, each order and number of filters is a statement of its own. */
const maxNames = 1000;

/** PostgreSQL keeps a prepared statement by a name of at most 63 characters. */
function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known || names.size >= maxNames) return known;
  const name = randomUUID();
  names.set(text, name);
  return name;
}

/** Classes of SQLSTATE that blame the statement or its data. With any other, or none, the database itself has failed. */
const ownFault = /^(21|22|23|42|44|P0)/;
/** An unknown table or column. */
const lacking = new Set(['42P01', '42703']);
/** A NUL in text or JSON, the only character that PostgreSQL does not store. */
const malformedText = new Set(['22021', '22P05']);

/** Or the code of the network error; empty if there is none. */
function sqlStateOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** Decides by exclusion: whatever is not about the statement is about the connection or the server. */
function isLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  return !ownFault.test(state) && !busy.has(state);
}

/** The user or the password is wrong, or there is no such database. */
const refused = /^(28|3D)/;

/** The statement waited too long for a lock or for its own end, or was chosen to end a deadlock; the connection is fine. */
const busy = new Set(['40P01', '55P03', '57014']);

/** Decides by exclusion, because there are too many ways to lose a server to list. Exported for its test. */
export function rethrow(error: unknown): never {
  const state = sqlStateOf(error);
  if (malformedText.has(state))
    throw new CloseoutError('BadInput', 'The character NUL (U+0000) is not allowed anywhere.');
  if (lacking.has(state))
    throw new CloseoutError(
      'DatabaseOutdated',
      'The database lacks a table or column that this version needs; run "closeout migrate".',
      undefined,
      { cause: error },
    );
  if (ownFault.test(state) || error instanceof TypeError || error instanceof RangeError) throw error;
  if (/CERT|SIGNATURE|ALTNAME/.test(state)) {
    const message = `The certificate of PostgreSQL is not trusted (${state}); name the file of its issuer with sslrootcert in DATABASE_URL.`;
    throw new CloseoutError('DatabaseUnavailable', message, undefined, { cause: error });
  }
  if (refused.test(state)) {
    const message = `The database refuses the connection (${state}); check user, password and database in DATABASE_URL.`;
    throw new CloseoutError('DatabaseUnavailable', message, undefined, { cause: error });
  }
  const problem = busy.has(state)
    ? `A statement took too long in the database, or waited too long for another one (${state}); try again, and check what else the database is doing.`
    : `The database cannot be reached${state && ` (${state})`}; try again, and check that DATABASE_URL is right and PostgreSQL is up.`;
  throw new CloseoutError('DatabaseUnavailable', problem, undefined, { cause: error });
}
