import type { Deps } from './deps.js';

/** Records that an operator's reply will not be mailed. Safe to repeat: it sets the same failure again. */
export async function giveUpReply(
  { messages }: Deps,
  { storedMessageId, failure }: { storedMessageId: string; failure: string },
): Promise<void> {
  await messages.giveUp(storedMessageId, failure);
}
