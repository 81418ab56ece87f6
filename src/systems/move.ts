/** Changes in an external system that are confirmed only by reading again: real systems answer 200 and change nothing. */
import { CloseoutError, hasCode } from '../contract/errors.js';
import { now } from '../outside/database/clock.js';
import type { State } from '../policy/status.js';
import type { SystemOfRecord, Ticket } from './port.js';
import { stateOfWord, wordFor, type StatusWords } from './words.js';

export interface Move {
  to: Exclude<State, 'cleared'>;
  /** Unique for this change: it is part of the note, which is added once. */
  marker: string;
  /** For the ticket's agents; absent: none is added. */
  note?: string;
  /** The state in which we knew the ticket: one that was moved on meanwhile is not changed. */
  from: State;
}

/**
 * The ticket as it was read last, and when that reading began. `done`: it is where we want it; `undone`: it was, by our marker, and
 * somebody has moved it on since; `stale`: somebody moved it first, so nothing was changed.
 */
export interface Moved {
  outcome: 'done' | 'undone' | 'stale';
  ticket: Ticket | undefined;
  readAt: Date;
}

/** Safe to repeat: the ticket is read first, and our note is recognised by its marker. Throws `SystemRefused`. */
export async function moveTicket(
  system: SystemOfRecord,
  words: StatusWords,
  id: string,
  { to, marker, note, from }: Move,
): Promise<Moved> {
  const before = await readTicket(system, id);
  if (!before.ticket) return { ...before, outcome: 'stale' };
  const text = note === undefined ? undefined : withMarker(note, marker);
  const state = stateOfWord(before.ticket.status, words);
  if (state !== to && text !== undefined && (await hasNote(system, id, marker)))
    return { ...before, outcome: 'undone' };
  if (state !== to && state !== from && !movable[to].includes(state)) return { ...before, outcome: 'stale' };
  const after = state === to ? before : await ask(system, words, id, before.ticket, to, text ?? '');
  if (note !== undefined) await noteOnce(system, id, marker, note);
  return { ...after, outcome: 'done' };
}

type Reading = Omit<Moved, 'outcome'>;

/** The states from which a ticket is moved whatever we knew of it. */
const movable: Record<Move['to'], State[]> = {
  closed: ['cleared'],
  open: ['cleared', 'closed'],
  cancelled: ['open', 'cleared'],
};

/** Some systems close only what is resolved, so that step is taken first if the direct one changes nothing. */
async function ask(
  system: SystemOfRecord,
  words: StatusWords,
  id: string,
  before: Ticket,
  to: Move['to'],
  text: string,
): Promise<Reading> {
  const word = wordFor(to, words);
  const [resolved = word] = words.cleared;
  const mustStep = to === 'closed' && stateOfWord(before.status, words) !== 'cleared';
  let refusal = await refusalOf(system.move(id, word, text));
  let after = await readTicket(system, id);
  if (!hasState(after.ticket, words, to)) {
    // Once more in any case: it may have been a conflict with somebody's edit.
    if (mustStep) await refusalOf(system.move(id, resolved, ''));
    refusal = await refusalOf(system.move(id, word, text));
    after = await readTicket(system, id);
  }
  if (hasState(after.ticket, words, to)) return after;
  const asked = `it was asked to become ${word} and is ${after.ticket?.status ?? 'gone'}`;
  throw new CloseoutError(
    'SystemRefused',
    `The system did not change ticket ${id}: ${asked}${refusal ? ` (${refusal})` : ''}.`,
  );
}

const hasState = (ticket: Ticket | undefined, words: StatusWords, to: State): boolean =>
  ticket !== undefined && stateOfWord(ticket.status, words) === to;

/** A refusal is believed only after reading again. */
async function refusalOf(request: Promise<void>): Promise<string | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    if (hasCode(error, 'SystemRefused')) return error.message;
    throw error;
  }
}

async function readTicket(system: SystemOfRecord, id: string): Promise<Reading> {
  const readAt = now();
  return { ticket: await system.read(id), readAt };
}

/** Adds a note, with its marker at the end, unless the ticket has one with the same marker. */
export async function noteOnce(system: SystemOfRecord, id: string, marker: string, note: string): Promise<void> {
  if (!(await hasNote(system, id, marker))) await system.addNote(id, withMarker(note, marker));
}

/** The words of a note may be a customer's, so only a marker at its end is ours. */
const hasNote = async (system: SystemOfRecord, id: string, marker: string): Promise<boolean> =>
  (await system.notes(id)).some((note) => note.trimEnd().endsWith(`[${marker}]`));

const withMarker = (note: string, marker: string): string => `${note}\n[${marker}]`;
