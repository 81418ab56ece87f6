/** Closeout and the bare workflow on one stack, with a mail server that records when each mail has arrived. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { SMTPServer } from 'smtp-server';
import { workflowIdOf } from '../src/contract/ids.js';
import type { Stack } from '../test/stack/stack.js';
import { until } from '../test/stack/waiting.js';

export interface Contender {
  prepare(id: string): Promise<unknown>;
  clear(id: string): Promise<unknown>;
  /** Resolves once nothing more happens by itself. Asks neither worker nor server more than once. */
  atRest(id: string): Promise<unknown>;
  address(id: string): string;
  workerPid(): number;
}

export interface Pair<T> {
  bare: T;
  closeout: T;
}

export class MailServer {
  /** Address → when its mail had arrived completely, in ms. */
  private readonly arrivals = new Map<string, number>();
  lastMail: Buffer = Buffer.alloc(0);
  private readonly server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      void buffer(stream).then((mail) => {
        this.lastMail = mail;
        for (const { address } of session.envelope.rcptTo) this.arrivals.set(address, performance.now());
        done();
      });
    },
  });

  listen(port: number): Promise<void> {
    return new Promise((ready) => this.server.listen(port, '127.0.0.1', ready));
  }

  close(): void {
    this.server.close();
  }

  /** In ms, as `performance.now()`. */
  arrival(address: string): Promise<number> {
    return until(`the mail to ${address}`, () => this.arrivals.get(address));
  }
}

export function closeoutContender(stack: Stack): Contender {
  return {
    prepare: (id) => stack.open(id),
    clear: (id) => stack.temporal.workflow.getHandle(workflowIdOf(id)).signal('cleared'),
    atRest: (id) =>
      until('the survey to be recorded', async () => (await stack.client.surveys.currentOf(id)).state === 'sent'),
    address: (id) => `${id.toLowerCase()}@customers.example`,
    workerPid: () => stack.pids()['worker'] ?? 0,
  };
}

/** Its reports are rows of the same table, so that the update is the same. Their Closeout runs only wait. */
export function bareContender(stack: Stack, worker: ChildProcess): Contender {
  return {
    async prepare(id) {
      await stack.open(id);
      await stack.temporal.workflow.start('bareClosing', { workflowId: `bare:${id}`, taskQueue: 'bare', args: [id] });
    },
    clear: (id) => stack.temporal.workflow.getHandle(`bare:${id}`).signal('cleared'),
    atRest: (id) => stack.temporal.workflow.getHandle(`bare:${id}`).result(),
    address: (id) => `${id}@bare.example`,
    workerPid: () => worker.pid ?? 0,
  };
}

/** The bare worker sends byte for byte a mail that Closeout has sent. */
export async function startBareWorker(stack: Stack, mails: MailServer): Promise<ChildProcess> {
  const closeout = closeoutContender(stack);
  const sample = await stack.open('SAMPLE');
  await closeout.clear(sample);
  await mails.arrival(closeout.address(sample));
  const mailFile = join(stack.dataDir, 'bench.eml');
  await writeFile(mailFile, mails.lastMail);
  const settings = JSON.parse(readFileSync(join(stack.dataDir, 'stack.json'), 'utf8')) as Record<string, string>;
  const child = fork(fileURLToPath(new URL('./bare-worker.js', import.meta.url)), {
    env: { ...process.env, ...settings, BENCH_MAIL: mailFile },
  });
  await once(child, 'message');
  return child;
}
