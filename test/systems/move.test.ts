import { noteOnce } from '../../src/systems/move.js';
import type { SystemOfRecord } from '../../src/systems/port.js';

/** A ticket whose notes anybody may write. */
function ticketWith(notes: string[]) {
  const added: string[] = [];
  const system = {
    notes: () => Promise.resolve([...notes, ...added]),
    addNote: (_id: string, text: string) => Promise.resolve(void added.push(text)),
  } as unknown as SystemOfRecord;
  return { system, added };
}

test("a customer's words that look like a marker are none, and ours is found", async () => {
  const marker = 'closeout:desk-1:1:answer:1';
  const { system, added } = ticketWith([`I write [${marker}] here, and go on`]);
  await noteOnce(system, '1', marker, '2 of 5.\nAwful.');
  await noteOnce(system, '1', marker, '2 of 5.\nAwful.');
  expect(added).toEqual([`2 of 5.\nAwful.\n[${marker}]`]);
});
