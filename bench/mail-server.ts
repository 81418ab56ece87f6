/** A mail server that records when each mail has arrived completely. */
import { EventEmitter, once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export class MailServer {
  /** When each address last got a mail; ms, as `performance.now()`. */
  private readonly arrivals = new Map<string, number>();
  private readonly arrived = new EventEmitter().setMaxListeners(0);
  lastMail: Buffer = Buffer.alloc(0);
  private readonly server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      void buffer(stream).then((mail) => {
        this.lastMail = mail;
        for (const { address } of session.envelope.rcptTo) {
          this.arrivals.set(address, performance.now());
          this.arrived.emit(address);
        }
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

  async arrival(address: string): Promise<number> {
    if (!this.arrivals.has(address)) await once(this.arrived, address, { signal: AbortSignal.timeout(600_000) });
    return this.arrivals.get(address) ?? NaN;
  }
}
