/** A proxy before several gateways, as a load balancer is: each connection goes to the next one that accepts it. */
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  stop: () => Promise<void>;
}

export async function startProxy(port: number, targets: number[]): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    client.on('error', () => client.destroy());
    const first = turn++;
    const tryNext = (attempt: number): void => {
      const target = targets[(first + attempt) % targets.length];
      if (target === undefined || attempt === targets.length) return void client.destroy();
      const gateway = connect(target, '127.0.0.1');
      gateway.once('connect', () => {
        gateway.off('error', next);
        gateway.on('error', () => client.destroy());
        client.pipe(gateway).pipe(client);
        client.on('close', () => gateway.destroy());
      });
      const next = () => tryNext(attempt + 1);
      gateway.once('error', next);
    };
    tryNext(0);
  });
  server.listen(port, '127.0.0.1');
  await new Promise<void>((ready, failed) => server.once('listening', ready).once('error', failed));
  return {
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
