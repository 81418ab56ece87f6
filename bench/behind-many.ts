/** One report that is cleared by itself just after very many: how long until its mail, with priorities and without. */
import { workflowIdOf } from '../src/contract/ids.js';
import { type Stack } from '../test/stack/stack.js';

const many = 150;

/** In ms. `bulk`: the many are marked as such, so that their activities stand behind. */
export async function behindMany(
  stack: Stack,
  round: string,
  bulk: boolean,
  arrival: (id: string) => Promise<number>,
): Promise<number> {
  const ids = Array.from({ length: many }, (_, n) => `${round}-${n}`);
  const single = `${round}-single`;
  for (const id of [...ids, single]) await stack.open(id);
  for (const id of [...ids, single]) await stack.untilPhase(id, 'open', 1);
  const clear = (id: string, payload: object) =>
    stack.temporal.workflow.getHandle(workflowIdOf(id)).signal('cleared', payload);
  await Promise.all(ids.map((id) => clear(id, { bulk })));
  const told = performance.now();
  await clear(single, {});
  const mailed = (await arrival(single)) - told;
  for (const id of ids) await arrival(id);
  return mailed;
}
