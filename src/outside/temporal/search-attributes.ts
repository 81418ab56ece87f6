/** Registers the search attributes of the contract with the server, once. */
import type { NativeConnection } from '@temporalio/worker';
import { CloseoutError } from '../../contract/errors.js';
import { searchAttributes } from '../../contract/messages.js';

/** `IndexedValueType` of the Temporal API. */
const keyword = 2;
const int = 3;
const types: Record<string, number> = { [searchAttributes.cycle]: int, [searchAttributes.score]: int };

export async function registerSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(searchAttributes).filter((name) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  try {
    const wanted = Object.fromEntries(missing.map((name) => [name, types[name] ?? keyword]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
  } catch (error) {
    if (/already exist/.test((error as Error).message)) return; // another worker was faster
    const list = missing.map((name) => `--name ${name} --type ${types[name] === int ? 'Int' : 'Keyword'}`).join(' ');
    throw new CloseoutError(
      'TemporalUnavailable',
      `The search attributes ${missing.join(', ')} cannot be registered; have an operator run: temporal operator search-attribute create -n ${namespace} ${list}`,
      undefined,
      { cause: error },
    );
  }
}
