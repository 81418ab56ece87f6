/** Certificates of an authority of the test's own, and TLS in front of servers that speak none. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, TLSSocket, createSecureContext, type TlsOptions } from 'node:tls';

export interface Certificates {
  /** Paths. */
  ca: string;
  cert: string;
  key: string;
  clientCert: string;
  clientKey: string;
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'closeout-test-tls-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...newKey, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Test CA');
  const issue = (name: string, extension: string) =>
    openssl(
      ...['req', '-x509', ...newKey, '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-subj', `/CN=${name}`],
      ...['-addext', extension, '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
    );
  issue('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  issue('client', 'extendedKeyUsage=clientAuth');
  return {
    ca: at('ca.pem'),
    cert: at('server.pem'),
    key: at('server.key'),
    clientCert: at('client.pem'),
    clientKey: at('client.key'),
  };
}

export interface Front {
  port: number;
  close: () => Promise<void>;
}

async function listening(server: Server): Promise<Front> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((closed) => server.close(() => closed()));
  };
  return { port: (server.address() as AddressInfo).port, close };
}

function pair(a: Socket, b: Socket): void {
  a.pipe(b).pipe(a);
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    one.on('error', () => other.destroy());
}

function behindTls(target: number, options: TlsOptions): Promise<Front> {
  const server = createTlsServer(options, (socket) => pair(socket, connect(target, '127.0.0.1')));
  server.on('tlsClientError', () => undefined);
  return listening(server);
}

/** Mutual TLS with HTTP/2, as a Temporal server speaks it. */
export function temporalBehindTls(target: number, { ca, cert, key }: Certificates): Promise<Front> {
  const files = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  return behindTls(target, { ...files, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] });
}

/** A relay of `smtps:`. */
export const relayBehindTls = (target: number, { cert, key }: Certificates): Promise<Front> =>
  behindTls(target, { cert: readFileSync(cert), key: readFileSync(key) });

/** PostgreSQL asks for TLS in its own protocol first. */
export function postgresBehindTls(target: number, { cert, key }: Certificates): Promise<Front> {
  const secureContext = createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (first) => {
      const isSslRequest = first.length === 8 && first.readInt32BE(4) === 80_877_103;
      if (!isSslRequest) return void socket.destroy(); // plain connections are not allowed
      socket.write('S');
      pair(new TLSSocket(socket, { isServer: true, secureContext }), connect(target, '127.0.0.1'));
    });
  });
  return listening(server);
}
