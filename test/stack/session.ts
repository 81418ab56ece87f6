import pg from 'pg';
import { loadConfig } from '../../src/setup/config.js';
import type { Stack } from './stack.js';

/** A session of its own in the stack's database, as another program would have. */
export async function openSession({ env }: Pick<Stack, 'env'>): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: loadConfig({ ...env }).databaseUrl });
  session.on('error', () => undefined); // queries report their own errors; unheard, a server that goes away ends the process
  await session.connect();
  return session;
}
