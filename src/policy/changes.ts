/**
 * Which reported changes count. The order in which a report's run receives them decides. Clocks decide nothing: a stated time is
 * compared only with the last one from the same source. Pure.
 */
import type { ChangeKind, ReportStatus } from '../contract/reports.js';
import { nextState, type State } from './status.js';

/** A change as a run receives it. */
export interface Change {
  kind: ChangeKind;
  /** Who reports it: times of different sources are never compared. */
  source: string;
  /** ISO 8601: when Closeout received it. */
  receivedAt: string;
  /** ISO 8601: when it happened, if its source says so. */
  at?: string;
  /** Counts once. */
  id?: string;
  /** The author, for the status history. */
  by?: string;
  /** The status to set if the kind allows more than one, such as `pending` for reopened. */
  status?: ReportStatus;
  /** The reason is stored under the change's id. */
  hasReason?: boolean;
}

/** The source of a change that was seen in the system of record, where another program made it. */
export const systemOfRecord = 'system of record';

/** What a run remembers of the changes it received. */
export interface Received {
  /** The last change of each source that states times; the source that spoke last comes last. `at`: ms since 1970, as stated. */
  dated: { source: string; kind: ChangeKind; at: number; receivedAt: number }[];
  /** Ids of changes, the newest last. */
  ids: string[];
}

export const nothingReceived = (): Received => ({ dated: [], ids: [] });

/** Enough for any plausible number of monitors and redeliveries, and little enough for every write to carry. */
const maxSources = 20;
const maxIds = 50;

/** Remembers an id. Returns the same object if the id was received before. */
export const receiveId = (received: Received, id: string): Received =>
  received.ids.includes(id) ? received : { ...received, ids: [...received.ids, id].slice(-maxIds) };

/** Remembers a change. `counts` is false for a repeated or late one. */
export function receive(received: Received, change: Change): { received: Received; counts: boolean } {
  const { id, source, kind } = change;
  if (id !== undefined && received.ids.includes(id)) return { received, counts: false };
  const { ids } = id === undefined ? received : receiveId(received, id);
  const at = change.at === undefined ? NaN : Date.parse(change.at);
  if (Number.isNaN(at)) return { received: { ...received, ids }, counts: true };
  const last = received.dated.find((dated) => dated.source === source);
  const now = { source, kind, at, receivedAt: Date.parse(change.receivedAt) };
  const isRepeated = last?.kind === kind && last.at === at;
  if (isRepeated || (last && happenedAt(now) < happenedAt(last)))
    return { received: { ...received, ids }, counts: false };
  const others = received.dated.filter((dated) => dated !== last);
  return { received: { dated: [...others, now].slice(-maxSources), ids }, counts: true };
}

/** What either remembers. Of the times that one source stated, the later is kept. */
export function merge(base: Received, other: Received): Received {
  const ids = other.ids.filter((id) => !base.ids.includes(id));
  const isLater = (dated: Received['dated'][number]) => {
    const known = base.dated.find(({ source }) => source === dated.source);
    return !known || happenedAt(known) < happenedAt(dated);
  };
  const dated = other.dated.filter(isLater);
  if (ids.length === 0 && dated.length === 0) return base;
  const others = base.dated.filter(({ source }) => !dated.some((later) => later.source === source));
  return { dated: [...others, ...dated].slice(-maxSources), ids: [...base.ids, ...ids].slice(-maxIds) };
}

/** Forgets changes that will be received again. */
export const without = ({ dated, ids }: Received, changes: Change[]): Received => ({
  dated: dated.filter(({ source }) => !changes.some((change) => change.source === source)),
  ids: ids.filter((id) => !changes.some((change) => change.id === id)),
});

/** A time in the future is that of receipt: otherwise every later change would look late. */
const happenedAt = ({ at, receivedAt }: Received['dated'][number]): number => Math.min(at, receivedAt);

/** What a report's run has decided. */
export interface Decided {
  state: State;
  /** The number of changes so far that altered what the run has to do. */
  rev: number;
  received: Received;
}

/** Applies a change. `isNew`: it alters what the run has to do. */
export function decide<T extends Decided>(decided: T, change: Change): { decided: T; isNew: boolean } {
  const { received, counts } = receive(decided.received, change);
  const state = counts ? stateAfter(decided.state, change) : decided.state;
  const isNew = state !== decided.state;
  return { decided: { ...decided, state, received, rev: isNew ? decided.rev + 1 : decided.rev }, isNew };
}

/** A signal does not undo a cancellation, but the system of record does: there, it may have been a slip. */
function stateAfter(state: State, { kind, source }: Change): State {
  return state === 'cancelled' && kind === 'reopened' && source === systemOfRecord ? 'open' : nextState(state, kind);
}

/** When a change happened, for the status history: as stated, but never in the future. */
export function changedAt({ at, receivedAt }: Pick<Change, 'at' | 'receivedAt'>): string {
  const stated = at === undefined ? NaN : Date.parse(at);
  const received = Date.parse(receivedAt);
  return new Date(Number.isNaN(stated) ? received : Math.min(stated, received)).toISOString();
}

/** The changes by which a report comes from the state that its run decided to the one that another program wrote. */
export function changesBetween(decided: State, observed: State): ChangeKind[] {
  if (decided === observed) return [];
  if (decided === 'closed' || decided === 'cancelled')
    return observed === 'open' ? ['reopened'] : observed === 'cleared' ? ['reopened', 'cleared'] : [];
  if (observed === 'open') return ['reopened'];
  return observed === 'cancelled' ? ['cancelled'] : ['cleared'];
}
