/** A worker of the job queue graphile-worker, in a process of its own: the same update, and a mail of the same bytes. */
import { Logger, run } from 'graphile-worker';
import pg from 'pg';
import { closeRow, mailTransport } from './bare-steps.js';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
const transport = mailTransport();
const runner = await run({
  pgPool: pool,
  concurrency: 10,
  noHandleSignals: true,
  parsedCronItems: [],
  logger: new Logger(() => () => undefined),
  taskList: {
    close: async (payload, { addJob }) => {
      const { id } = payload as { id: string };
      await closeRow(pool, id);
      await addJob('mail', { id });
    },
    mail: (payload) => transport.send((payload as { id: string }).id, 'graphile'),
  },
});
process.once('SIGTERM', () => {
  void runner.stop().then(async () => {
    transport.close();
    await pool.end();
    process.disconnect();
  });
});
process.send?.('ready');
