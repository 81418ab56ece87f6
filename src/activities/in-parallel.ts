/** Does the same to many, some at once; one that fails does not stop the rest. Returns those that failed and why. */
import { toFailure } from './to-failure.js';

const atOnce = 20;

export interface Failed<T> {
  item: T;
  /** The named failure and its words, as `toFailure` has them. */
  failure: string;
}

export async function inParallel<T>(items: readonly T[], doIt: (item: T) => Promise<void>): Promise<Failed<T>[]> {
  const queue = [...items];
  const failed: Failed<T>[] = [];
  const work = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await doIt(item);
      } catch (error) {
        const { type, message } = toFailure(error);
        failed.push({ item, failure: `${type}: ${message}` });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failed;
}
