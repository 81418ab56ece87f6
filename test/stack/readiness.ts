import type { Stack } from './stack.js';

/** What `/readyz` says; nothing while the gateway does not answer. */
export const readinessOf = async (stack: Stack): Promise<{ status?: string; worker?: string }> =>
  fetch(stack.url('/readyz')).then(
    (answer) => answer.json() as Promise<object>,
    () => ({}),
  );
