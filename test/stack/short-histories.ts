/** A Temporal server that suggests after few events that a run continues as new, which takes weeks with the usual number. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Setting of Temporal's server: events. */
export const suggestedAfter = 'limit.historyCount.suggestContinueAsNew';

/** Settings of a stack, for a dev server that is started with one more option. */
export async function shortHistories(events: number): Promise<{ CLOSEOUT_TEMPORAL_CLI: string }> {
  const script = join(tmpdir(), `closeout-test-temporal-${events}`);
  const command = `exec "${process.env['CLOSEOUT_TEMPORAL_CLI']}" "$@" --dynamic-config-value ${suggestedAfter}=${events}`;
  await writeFile(script, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  return { CLOSEOUT_TEMPORAL_CLI: script };
}
