/** The process that answers HTTP. Start as many as you like behind a load balancer. */
import type { Logger } from 'pino';
import { CloseoutClient } from './client.js';
import { assertMigrated } from './client/database.js';
import type { Config } from './setup/config.js';
import { untilDone } from './setup/until-done.js';
import { version } from './setup/version.js';
import { CloseoutError } from './contract/errors.js';
import { buildGateway } from './gateway/app.js';
import { openTracing } from './setup/tracing.js';

/** Runs until SIGINT or SIGTERM, and answers running requests before it ends. Calls `onReady` once it listens. */
export async function runGateway(config: Config, log: Logger, onReady: () => void = () => undefined): Promise<void> {
  // Also while it starts.
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  await Promise.race([
    untilDone(log, 'use the database', () => assertMigrated(config.databaseUrl), stopping.signal),
    stopped,
  ]);
  if (stopping.signal.aborted) return;
  const tracing = await openTracing(config, 'gateway');
  const client = CloseoutClient.connect(config, tracing);
  const app = await buildGateway(config, client, log);
  try {
    const { host, port } = config.http;
    await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
      throw new CloseoutError(
        'BadSetting',
        `Cannot listen on ${host}:${port} (${error.code}); set CLOSEOUT_PORT to a free port.`,
        'CLOSEOUT_PORT',
      );
    });
    log.info({ version, address: `http://${host}:${port}`, publicUrl: config.http.publicUrl }, 'ready');
    onReady();
    await stopped;
  } finally {
    await app.close();
    await client.close();
    await tracing?.close();
  }
}
