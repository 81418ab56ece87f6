/** Changes in an external system that are confirmed only by reading again: real systems answer 200 and change nothing. */
import { CloseoutError, hasCode, type ErrorCode } from '../contract/errors.js';
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
 * somebody has moved it on since; `stale`: somebody else has moved it.
 */
export interface Moved {
  outcome: 'done' | 'undone' | 'stale';
  ticket: Ticket | undefined;
  readAt: Date;
  /** Why the system did not take the note; it has made the change. */
  noteRefusal?: string;
}

/** Safe to repeat: the ticket is read first, and our note is recognised by its marker. Throws `SystemRefused`. */
export async function moveTicket(
  system: SystemOfRecord,
  words: StatusWords,
  id: string,
  { to, marker, note, from }: Move,
): Promise<Moved> {
  const text = note === undefined ? undefined : withMarker(note, marker);
  let before = await readTicket(system, id);
  if (text !== undefined && before.ticket && !hasState(before.ticket, words, to)) {
    const isNoted = await hasNote(system, id, marker);
    // Finding the notes takes a while, in which an agent may have moved it.
    before = await readTicket(system, id);
    if (isNoted && !hasState(before.ticket, words, to)) return { ...before, outcome: 'undone' };
  }
  if (!before.ticket) return { ...before, outcome: 'stale' };
  const state = stateOfWord(before.ticket.status, words);
  if (state !== to && state !== from && !movable[to].includes(state)) return { ...before, outcome: 'stale' };
  const moved: Moved =
    state === to
      ? { ...before, outcome: 'done' }
      : await ask(system, words, id, before.ticket, { to, marker, text: text ?? '' });
  if (moved.outcome !== 'done' || note === undefined) return moved;
  return { ...moved, noteRefusal: await refusalOf(noteOnce(system, id, marker, note), 'SystemMisconfigured') };
}

type Reading = Omit<Moved, 'outcome'>;

/** The states from which a ticket is moved whatever we knew of it. */
const movable: Record<Move['to'], State[]> = {
  closed: ['cleared'],
  open: ['cleared', 'closed'],
  cancelled: ['open', 'cleared'],
};

interface Asked {
  to: Move['to'];
  marker: string;
  /** With its marker; empty: no note. */
  text: string;
}

/** Some systems close only what is resolved, so that step is taken first if the direct one changes nothing. */
async function ask(
  system: SystemOfRecord,
  words: StatusWords,
  id: string,
  before: Ticket,
  { to, marker, text }: Asked,
): Promise<Moved> {
  const word = wordFor(to, words);
  const [resolved = word] = words.cleared;
  const state = stateOfWord(before.status, words);
  let refusal = await refusalOf(system.move(id, word, text));
  let after = await readTicket(system, id);
  if (!hasState(after.ticket, words, to)) {
    if (after.ticket && !hasState(after.ticket, words, state)) return { ...after, outcome: 'stale' };
    // A system that takes a note with the change has made it.
    if (text !== '' && (await hasNote(system, id, marker))) return { ...after, outcome: 'undone' };
    // Once more: it may have been a conflict with somebody's edit.
    if (to === 'closed' && state !== 'cleared') await refusalOf(system.move(id, resolved, ''));
    refusal = await refusalOf(system.move(id, word, text));
    after = await readTicket(system, id);
  }
  if (hasState(after.ticket, words, to)) return { ...after, outcome: 'done' };
  const asked = `it was asked to become ${word} and is ${after.ticket?.status ?? 'gone'}`;
  throw new CloseoutError(
    'SystemRefused',
    `The system did not change ticket ${id}: ${asked}${refusal ? ` (${refusal})` : ''}.`,
  );
}

const hasState = (ticket: Ticket | undefined, words: StatusWords, to: State): boolean =>
  ticket !== undefined && stateOfWord(ticket.status, words) === to;

/** A refusal is believed only after reading again. `more`: another code that counts as one. */
async function refusalOf(request: Promise<void>, ...more: ErrorCode[]): Promise<string | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    if (hasCode(error, 'SystemRefused', ...more)) return error.message;
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
