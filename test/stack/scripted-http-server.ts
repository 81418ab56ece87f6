/** An HTTP server whose answers are written down: what it says depends on the request and on how many came before. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Seen {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Scripted {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** No word at all. */
  hang?: boolean;
}

export class ScriptedHttpServer {
  /** Every request, in the order in which they came. */
  readonly seen: Seen[] = [];
  private server: Server | undefined;

  constructor(public script: (request: Seen, earlier: Seen[]) => Scripted | Promise<Scripted> = () => ({})) {}

  /** Returns its URL. */
  async listen(): Promise<string> {
    this.server = createServer((request, response) => {
      const answer = async () => {
        const { method = '', url: path = '', headers } = request;
        const seen = { method, path, headers, body: await text(request) };
        const scripted = await this.script(seen, [...this.seen]);
        this.seen.push(seen);
        if (scripted.hang) return;
        response.writeHead(scripted.status ?? 200, scripted.headers ?? {}).end(scripted.body ?? '');
      };
      void answer().catch(() => response.destroy());
    }).listen(0, '127.0.0.1');
    await new Promise((ready) => this.server?.once('listening', ready));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise<void>((closed) => (this.server ? this.server.close(() => closed()) : closed()));
  }
}
