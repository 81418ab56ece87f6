/** Once a run: finds the Temporal CLI, building it on a machine that has none, so that no test's clock pays for it. */
import { findTemporalCli } from '../dist/local/temporal.js';

export default async function setup() {
  process.env.CLOSEOUT_TEMPORAL_CLI = await findTemporalCli(process.env, (line) => process.stderr.write(`${line}\n`));
}
