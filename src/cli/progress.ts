/** Shows the progress of clearing a service problem until it is done. */
import { setTimeout as pause } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import type { CloseoutClient } from '../client.js';
import { CloseoutError } from '../contract/errors.js';
import type { MassClearProgress } from '../contract/messages.js';

export async function followMassClear(client: CloseoutClient, serviceProblemId: string): Promise<MassClearProgress> {
  const bar = new SingleBar({ format: 'clearing [{bar}] {value}/{total} reports', stream: process.stderr });
  bar.start(0, 0);
  try {
    for (;;) {
      const progress = await client.serviceProblems.progress(serviceProblemId);
      bar.setTotal(progress.cleared + progress.open);
      bar.update(progress.cleared);
      if (progress.done) return progress;
      if (await client.serviceProblems.isStopped(serviceProblemId))
        throw new CloseoutError('StatusConflict', `The clearing of ${serviceProblemId} was stopped in Temporal.`);
      await pause(500);
    }
  } finally {
    bar.stop();
  }
}
