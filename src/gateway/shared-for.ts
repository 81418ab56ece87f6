/** One call for everyone who asks within `ms`. */
export function sharedFor<T>(ms: number, call: () => Promise<T>): () => Promise<T> {
  let last: { at: number; result: Promise<T> } | undefined;
  return () => {
    const at = performance.now();
    if (last === undefined || at - last.at >= ms) last = { at, result: call() };
    return last.result;
  };
}
