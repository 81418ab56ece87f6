/** The SDK's runtime, which a process installs once, without its usual log. */
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';

let isInstalled = false;

export function installQuietRuntime(): void {
  if (isInstalled) return;
  isInstalled = true;
  const logging = { filter: makeTelemetryFilterString({ core: 'ERROR' }) };
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging } });
}
