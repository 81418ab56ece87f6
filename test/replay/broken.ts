/** The process with a change that old histories do not fit. It must fail the replay, or the replay proves nothing. */
import { sleep } from '@temporalio/workflow';
import type { RunInput, RunResult } from '../../src/contract/reports.js';
import { closeProblemReport as sound } from '../../src/workflows/index.js';

export async function closeProblemReport(input: RunInput): Promise<RunResult> {
  await sleep('1s');
  return sound(input);
}
