/** Does the same to many items, some at a time. One failure does not stop the rest. */
import { toFailure } from './to-failure.js';

const concurrency = 20;

export interface Failed<T> {
  item: T;
  /** Code and message of the failure, as in workflow histories. */
  failure: string;
}

/** Returns the items that failed. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<Failed<T>[]> {
  const queue = [...items];
  const failed: Failed<T>[] = [];
  const worker = async () => {
    let item = queue.shift();
    while (item !== undefined) {
      try {
        await work(item);
      } catch (error) {
        const { type, message } = toFailure(error);
        failed.push({ item, failure: `${type}: ${message}` });
      }
      item = queue.shift();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return failed;
}
