/** An SMTP server whose faults are written down: what it answers depends on the recipient and on the attempt. */
import { simpleParser, type ParsedMail } from 'mailparser';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Fault {
  /** Replies instead of the usual ones, e.g. `550 5.1.1 no such user`; `hang`: no word at all. */
  greeting?: string;
  mailFrom?: string;
  rcptTo?: string;
  /** After the final dot, or when a test says so; `drop`: the mail is taken and the line is dropped before a word; `hang`: no word at all. */
  afterDot?: string | Promise<string>;
}

/** `attempt` counts from 1 for each recipient. */
export type Script = (recipient: string, attempt: number) => Fault;

export class ScriptedSmtpServer {
  /** Every message that was taken, accepted or not: recipient and bytes. */
  readonly taken: { to: string; raw: string }[] = [];
  readonly attempts = new Map<string, number>();
  /** Every command of every conversation, without the mails. */
  readonly commands: string[] = [];
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  constructor(private readonly script: Script = () => ({})) {}

  async listen(port = 0): Promise<number> {
    this.server = createServer((socket) => this.talk(socket)).listen(port, '127.0.0.1');
    await new Promise((ready) => this.server?.once('listening', ready));
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((closed) => (this.server ? this.server.close(() => closed()) : closed()));
  }

  to(recipient: string): string[] {
    return this.taken.filter(({ to }) => to === recipient).map(({ raw }) => raw);
  }

  mails(): Promise<ParsedMail[]> {
    return Promise.all(this.taken.map(({ raw }) => simpleParser(raw)));
  }

  private talk(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    const say = (line: string) => socket.write(`${line}\r\n`);
    let to = '';
    let fault: Fault = this.script('', 0);
    let data: string | undefined;
    let buffer = '';
    const finish = (raw: string) => {
      this.taken.push({ to, raw });
      data = undefined;
      if (fault.afterDot === 'hang') return;
      if (fault.afterDot === 'drop') return void socket.destroy();
      void Promise.resolve(fault.afterDot ?? '250 2.0.0 taken').then(say);
    };
    const command = (line: string) => {
      this.commands.push(line);
      const word = line.slice(0, 4).toUpperCase();
      if (word === 'EHLO') return void socket.write('250-sink\r\n250-DSN\r\n250 8BITMIME\r\n');
      if (word === 'MAIL') return say(this.script('', 0).mailFrom ?? '250 2.1.0 ok');
      if (word === 'RCPT') {
        to = /<([^>]*)>/.exec(line)?.[1] ?? '';
        this.attempts.set(to, (this.attempts.get(to) ?? 0) + 1);
        fault = this.script(to, this.attempts.get(to) ?? 1);
        return say(fault.rcptTo ?? '250 2.1.5 ok');
      }
      if (word === 'DATA') {
        data = '';
        return say('354 go on');
      }
      if (word === 'QUIT') return void socket.end('221 2.0.0 bye\r\n');
      return say('250 2.0.0 ok');
    };
    socket.on('data', (chunk) => {
      buffer += chunk.toString('utf8');
      for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data === undefined) command(line);
        else if (line === '.') finish(data);
        else data += `${line}\r\n`;
      }
    });
    const { greeting } = this.script('', 0);
    if (greeting === 'hang') return;
    say(greeting ?? '220 sink');
    if (greeting?.startsWith('5')) socket.end();
  }
}
