/** Shares one call among all callers that arrive while it runs, or within `ms` after it began. */
export function sharedFor<T>(ms: number, call: () => Promise<T>): () => Promise<T> {
  let last: { at: number; isRunning: boolean; result: Promise<T> } | undefined;
  return () => {
    const at = performance.now();
    if (last && (last.isRunning || at - last.at < ms)) return last.result;
    const started = { at, isRunning: true, result: call() };
    const end = () => (started.isRunning = false);
    started.result.then(end, end);
    last = started;
    return last.result;
  };
}
