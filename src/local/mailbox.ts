/** A local mail server that stores every mail in a file and forwards nothing. */
import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { CloseoutError } from '../contract/errors.js';

export interface Mailbox {
  stop(): Promise<void>;
}

/** A mail is stored before it is accepted, as SMTP requires. */
export async function startMailbox(dir: string, port: number): Promise<Mailbox> {
  await mkdir(dir, { recursive: true });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    banner: 'Closeout local mailbox, nothing leaves this machine',
    onData(stream, _session, done) {
      buffer(stream)
        .then((mail) => store(dir, mail))
        .then(() => done(), done);
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: Error) =>
      reject(new CloseoutError('Unexpected', `The local mailbox cannot listen: ${error.message}`)),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  server.on('error', () => undefined); // a client that disconnects concerns nobody else
  return { stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function store(dir: string, mail: Buffer): Promise<void> {
  const name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${randomBytes(3).toString('hex')}`;
  const unfinished = join(dir, `${name}.part`);
  await writeFile(unfinished, mail);
  await rename(unfinished, join(dir, `${name}.eml`));
}
