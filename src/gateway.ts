/** The process that answers HTTP. Start as many as you like behind a load balancer. */
import type { Logger } from 'pino';
import { CloseoutClient } from './client.js';
import { assertMigrated } from './client/database.js';
import type { GatewayConfig } from './setup/config.js';
import { isLoopback } from './contract/loopback.js';
import { endOnSignal, untilDone } from './setup/startup.js';
import { version } from './setup/version.js';
import { CloseoutError } from './contract/errors.js';
import { buildGateway } from './gateway/app.js';
import { openTracing } from './setup/tracing.js';

/** Runs until SIGINT or SIGTERM, and answers running requests before it ends. Calls `onReady` once it listens. */
export async function runGateway(
  config: GatewayConfig,
  log: Logger,
  onReady: () => void = () => undefined,
): Promise<void> {
  const begin = endOnSignal(() => log.info('stopped before it was ready'));
  await untilDone(log, 'use the database', () => assertMigrated(config.databaseUrl));
  const tracing = await openTracing(config, 'gateway');
  const client = CloseoutClient.connect(config, tracing);
  const app = await buildGateway(config, client, log);
  begin();
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  try {
    const { host, port } = config.http;
    await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
      throw new CloseoutError(
        'BadSetting',
        `Cannot listen on ${host}:${port} (${error.code}); set CLOSEOUT_PORT to a free port.`,
        'CLOSEOUT_PORT',
      );
    });
    if (!config.http.publicUrl.startsWith('https:') && !isLoopback(config.http.publicUrl))
      log.warn('CLOSEOUT_PUBLIC_URL begins with http://: customers and operators are not protected by TLS');
    log.info({ version, address: `http://${host}:${port}`, publicUrl: config.http.publicUrl }, 'ready');
    onReady();
    await stopped;
    log.info('stopping');
  } finally {
    await app.close();
    await client.close();
    await tracing?.close();
  }
}
