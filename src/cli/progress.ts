/** Shows the progress of clearing a service problem until it is done. */
import { setTimeout as pause } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import type { CloseoutClient } from '../client.js';
import { ignoreUnavailable } from '../client/errors.js';
import { CloseoutError } from '../contract/errors.js';
import type { MassClearProgress } from '../contract/messages.js';

/** Undefined while no worker answers: the clearing goes on with the next one. */
export const progressNow = (client: CloseoutClient, serviceProblemId: string): Promise<MassClearProgress | undefined> =>
  client.serviceProblems.progress(serviceProblemId).catch(ignoreUnavailable);

export async function followMassClear(client: CloseoutClient, serviceProblemId: string): Promise<MassClearProgress> {
  const bar = new SingleBar({ format: 'clearing [{bar}] {value}/{total} reports', stream: process.stderr });
  bar.start(0, 0);
  try {
    for (;;) {
      const progress = await progressNow(client, serviceProblemId);
      if (progress) show(bar, progress);
      if (progress?.done) return progress;
      if (await client.serviceProblems.isStopped(serviceProblemId).catch(ignoreUnavailable))
        throw new CloseoutError('StatusConflict', `The clearing of ${serviceProblemId} was stopped in Temporal.`);
      await pause(500);
    }
  } finally {
    bar.stop();
  }
}

function show(bar: SingleBar, { cleared, open }: MassClearProgress): void {
  bar.setTotal(cleared + open);
  bar.update(cleared);
}
