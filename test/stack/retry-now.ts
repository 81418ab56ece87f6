import { hasCode } from '../../src/contract/errors.js';
import type { Stack } from './stack.js';

/** Unless the step has been retried by itself just now. */
export async function retryNow(stack: Stack, reportId: string): Promise<void> {
  await stack.client.operate('retryNow', reportId, { by: 'test' }).catch((error: unknown) => {
    if (!hasCode(error, 'StatusConflict')) throw error;
  });
}
