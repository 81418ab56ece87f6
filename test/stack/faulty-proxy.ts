/** A proxy before a real system, whose faults are written down: what it does depends on the request and on how many came before. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Passed {
  method: string;
  path: string;
  body: string;
}

export interface ProxyFault {
  /** Answers itself; the system never sees the request. */
  instead?: { status: number; headers?: Record<string, string>; body?: string };
  /** The system has made the change, but its answer is lost (`drop`), or another one comes. */
  after?: 'drop' | { status: number; headers?: Record<string, string>; body?: string };
}

export class FaultyProxy {
  readonly passed: Passed[] = [];
  private server: Server | undefined;
  /** `nth`: from 1, among requests of the same method. */
  fault: (request: Passed, nth: number) => ProxyFault | undefined = () => undefined;
  /** Done before a request is passed on. */
  before: (request: Passed, nth: number) => Promise<void> = () => Promise.resolve();

  constructor(private readonly target: string) {}

  async listen(): Promise<string> {
    this.server = createServer((request, response) => {
      const pass = async () => {
        const { method = 'GET', url: path = '/', headers } = request;
        const seen = { method, path, body: await text(request) };
        const nth = this.passed.filter((earlier) => earlier.method === method).length + 1;
        this.passed.push(seen);
        const { instead, after } = this.fault(seen, nth) ?? {};
        await this.before(seen, nth);
        if (instead) return void response.writeHead(instead.status, instead.headers).end(instead.body ?? '');
        const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...rest } = headers;
        const answer = await fetch(`${this.target}${path}`, {
          method,
          headers: rest as Record<string, string>,
          body: seen.body === '' ? null : seen.body,
          redirect: 'manual',
        });
        const body = Buffer.from(await answer.arrayBuffer());
        if (after === 'drop') return void response.destroy();
        if (after) return void response.writeHead(after.status, after.headers).end(after.body ?? '');
        const type = answer.headers.get('content-type');
        response.writeHead(answer.status, type ? { 'content-type': type } : {}).end(body);
      };
      void pass().catch(() => response.destroy());
    }).listen(0, '127.0.0.1');
    await new Promise((ready) => this.server?.once('listening', ready));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** As a new proxy. */
  reset(): void {
    this.passed.length = 0;
    this.fault = () => undefined;
    this.before = () => Promise.resolve();
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise<void>((closed) => (this.server ? this.server.close(() => closed()) : closed()));
  }
}
