/** A worker for `bareClosing`, in a process of its own like Closeout's. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import pg from 'pg';
import { closeRow, mailTransport } from './bare-steps.js';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
const transport = mailTransport();

const activities = {
  closeReport: (id: string) => closeRow(pool, id),
  sendMail: (id: string) => transport.send(id, 'floor'),
};
export type BareActivities = typeof activities;

Runtime.install({ logger: new DefaultLogger('WARN') });
const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
const worker = await Worker.create({
  connection,
  taskQueue: 'bare',
  workflowsPath: fileURLToPath(new URL('./bare-workflow.js', import.meta.url)),
  activities,
  maxConcurrentActivityTaskExecutions: 40,
});
const running = worker.run();
process.send?.('ready');
await running;
transport.close();
await pool.end();
await connection.close();
process.disconnect();
