/** A worker for `bareClosing`, in a process of its own like Closeout's: the same update, and a mail of the same bytes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import nodemailer from 'nodemailer';
import pg from 'pg';

const env = (name: string) => process.env[name] ?? '';

const pool = new pg.Pool({ connectionString: env('DATABASE_URL'), max: 10 });
const transport = nodemailer.createTransport({ url: env('SMTP_URL'), pool: true, ignoreTLS: true });
const raw = readFileSync(env('BENCH_MAIL'));

const activities = {
  async closeReport(reportId: string): Promise<void> {
    const now = new Date();
    await pool.query(
      "update reports set status = 'closed', changed_at = $2, cleared_at = $2, closed_at = $2, last_update = $2 where id = $1",
      [reportId, now],
    );
  },
  async sendMail(reportId: string): Promise<void> {
    await transport.sendMail({ envelope: { from: 'care@closeout.example', to: [`${reportId}@bare.example`] }, raw });
  },
};
export type BareActivities = typeof activities;

Runtime.install({ logger: new DefaultLogger('WARN') });
const connection = await NativeConnection.connect({ address: env('TEMPORAL_ADDRESS') });
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
