/** Does the same to many items, some at a time. One failure does not stop the rest. */
import { log } from '@temporalio/activity';
import { originOf } from '../contract/error-details.js';
import { toFailure } from './to-failure.js';

const concurrency = 20;
/** Failures that are logged: what fails for many usually has one cause. */
const maxLogged = 20;

/** An id, or something about a report. */
export type Item = string | { id: string } | { reportId: string };

/** Returns the items that failed. `what`: what is done to each, for the log. */
export async function inParallel<T extends Item>(
  what: string,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<T[]> {
  const queue = [...items];
  const failed: T[] = [];
  const worker = async () => {
    let item = queue.shift();
    while (item !== undefined) {
      try {
        await work(item);
      } catch (error) {
        if (failed.push(item) <= maxLogged) logFailure(what, item, error);
      }
      item = queue.shift();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (failed.length > maxLogged) log.warn(`cannot ${what}`, { more: failed.length - maxLogged });
  return failed;
}

function logFailure(what: string, item: Item, error: unknown): void {
  const { type, message: reason } = toFailure(error);
  const details = type === 'Unexpected' ? originOf(error) : {};
  log.warn(`cannot ${what}`, { id: idOf(item), failure: type, reason, ...details });
}

function idOf(item: Item): string {
  if (typeof item === 'string') return item;
  return 'reportId' in item ? item.reportId : item.id;
}
