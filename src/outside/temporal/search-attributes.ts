/** Registers the search attributes of the contract with the server, once. */
import { isGrpcServiceError } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { ConstantBackoff, handleWhen, retry } from 'cockatiel';
import { CloseoutError } from '../../contract/errors.js';
import { searchAttributes } from '../../contract/messages.js';
import { invalidArgument, translated } from './calls.js';

/** `IndexedValueType` of the Temporal API, and what the Temporal CLI calls it. */
const types = { KEYWORD: { value: 2, word: 'Keyword' }, INT: { value: 3, word: 'Int' } } as const;

/** Resolves once the server accepts them. */
export async function registerSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  await translated(async () => {
    await addMissing(connection, namespace);
    await untilAccepted(connection, namespace);
  });
}

async function addMissing(connection: NativeConnection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(searchAttributes).filter(({ name }) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  try {
    const wanted = Object.fromEntries(missing.map(({ name, type }) => [name, types[type].value]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
  } catch (error) {
    if (/already exist/.test((error as Error).message)) return; // another worker registered them first
    const names = missing.map(({ name }) => name).join(', ');
    const options = missing.map(({ name, type }) => `--name ${name} --type ${types[type].word}`).join(' ');
    throw new CloseoutError(
      'TemporalUnavailable',
      `The search attributes ${names} cannot be registered; have an operator run: temporal operator search-attribute create -n ${namespace} ${options}`,
      undefined,
      { cause: error },
    );
  }
}

/** A server keeps the definitions in memory for 2 s, and until then refuses a workflow with attributes that were just added. */
async function untilAccepted({ workflowService }: NativeConnection, namespace: string): Promise<void> {
  const areNull = Object.values(searchAttributes).map(({ name }) => `${name} IS NULL`);
  const query = [`WorkflowId = "none"`, ...areNull].join(' AND ');
  const isRefused = (error: unknown) => isGrpcServiceError(error) && (error.code as number) === invalidArgument;
  const untilKnown = retry(handleWhen(isRefused), { maxAttempts: 40, backoff: new ConstantBackoff(250) });
  await untilKnown.execute(() => workflowService.countWorkflowExecutions({ namespace, query }));
}
