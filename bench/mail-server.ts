/** A mail server that records when each mail has arrived completely. */
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { until } from '../test/stack/waiting.js';

export class MailServer {
  /** Address → in ms, as `performance.now()`. */
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

  arrival(address: string): Promise<number> {
    return until(`the mail to ${address}`, () => this.arrivals.get(address), 600_000);
  }
}
