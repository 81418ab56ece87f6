import {
  changedAt,
  changesBetween,
  decide,
  nothingReceived,
  receive,
  type Change,
  type Decided,
} from '../../src/policy/changes.js';
import { nextState, type State } from '../../src/policy/status.js';
import { random } from '../stack/random.js';

const received = '2026-03-01T12:00:00.000Z';
const change = (kind: Change['kind'], more: Partial<Change> = {}): Change => ({
  kind,
  source: 'monitor',
  receivedAt: received,
  ...more,
});

const open = (): Decided => ({ state: 'open', rev: 0, received: nothingReceived() });
const decideAll = (changes: Change[], from = open()): Decided =>
  changes.reduce((decided, next) => decide(decided, next).decided, from);

const early = '2026-03-01T10:00:00Z';
const late = '2026-03-01T11:00:00Z';
const future = '2030-01-01T00:00:00Z';

describe('the order of receipt decides', () => {
  test('among changes without a time', () => {
    expect(decideAll([change('cleared'), change('reopened'), change('cleared')])).toMatchObject({
      state: 'cleared',
      rev: 3,
    });
  });

  test('among changes of different sources, whatever times they state', () => {
    const cleared = change('cleared', { at: late, source: 'monitor' });
    const reopened = change('reopened', { at: early, source: 'desk' });
    expect(decideAll([cleared, reopened]).state).toBe('open');
  });

  test('among changes of one source within one second', () => {
    const changes = (['cleared', 'reopened', 'cleared'] as const).map((kind) => change(kind, { at: late }));
    expect(decideAll(changes).state).toBe('cleared');
  });
});

describe('a change does not count', () => {
  test('if it is older than the last one of the same source', () => {
    expect(decideAll([change('reopened', { at: late }), change('cleared', { at: early })]).state).toBe('open');
  });

  test('if it repeats the last one of the same source, even if others said something since', () => {
    const poll = change('cleared', { at: early });
    const no = change('reopened', { source: 'customer' });
    expect(decideAll([poll, no, poll, poll])).toMatchObject({ state: 'open', rev: 2 });
  });

  test('if a source repeats a time in the future, received later each time', () => {
    const poll = (minute: number) => change('cleared', { at: future, receivedAt: `2026-03-01T12:0${minute}:00.000Z` });
    expect(decideAll([poll(0), change('reopened', { source: 'customer' }), poll(1), poll(2)]).state).toBe('open');
  });

  test('if its id was received before', () => {
    const cleared = change('cleared', { id: 'a' });
    expect(decideAll([cleared, change('reopened', { id: 'b' }), cleared]).state).toBe('open');
  });
});

test('a time in the future makes no later change of its source look late', () => {
  const soon = '2026-03-01T12:00:01.000Z';
  const cleared = change('cleared', { at: future });
  expect(decideAll([cleared, change('reopened', { at: soon, receivedAt: soon })]).state).toBe('open');
});

test('the notation of a time does not matter', () => {
  const poll = (at: string) => change('cleared', { at });
  const no = change('reopened', { source: 'customer' });
  expect(decideAll([poll(late), no, poll('2026-03-01T12:00:00+01:00')]).state).toBe('open');
});

test('the number of remembered sources and ids is limited', () => {
  const many = Array.from({ length: 200 }, (_, n) => change('cleared', { at: early, source: `s${n}`, id: `i${n}` }));
  const { dated, ids } = decideAll(many).received;
  expect([dated.length, ids.length]).toEqual([20, 50]);
  expect(receive({ dated, ids }, change('cleared', { id: 'i199' })).counts).toBe(false);
});

describe('when a change happened', () => {
  test.each([
    ['as stated', early, '2026-03-01T10:00:00.000Z'],
    ['not in the future', future, received],
    ['at its receipt, if it states no time', undefined, received],
    ['at its receipt, if its time cannot be read', 'yesterday-ish', received],
  ])('%s', (_, at, expected) => expect(changedAt({ at, receivedAt: received })).toBe(expected));
});

describe('what another program wrote', () => {
  const states: State[] = ['open', 'cleared', 'closed', 'cancelled'];
  const pairs = states.flatMap((decided) => states.map((observed) => [decided, observed] as const));

  test.each(pairs)(
    'from %s to %s leads there, or to closing the report, or nowhere if the state is final',
    (decided, observed) => {
      const kinds = changesBetween(decided, observed);
      const state = kinds.reduce((before, kind) => nextState(before, kind), decided);
      const isFinal = decided === 'cancelled' || (decided === 'closed' && observed === 'cancelled');
      expect(state).toBe(isFinal ? decided : observed === 'closed' && decided !== 'closed' ? 'cleared' : observed);
    },
  );

  test('a report that was reopened and cleared between two looks is in its next cycle', () => {
    expect(changesBetween('closed', 'cleared')).toEqual(['reopened', 'cleared']);
  });
});

/** A plain model: what counts is decided by looking back through the whole history. */
function model(changes: Change[]): { state: State; rev: number } {
  let state: State = 'open';
  let rev = 0;
  const happened = ({ at = '', receivedAt }: Change) => Math.min(Date.parse(at), Date.parse(receivedAt));
  const counted: Change[] = [];
  changes.forEach((next, index) => {
    const before = changes.slice(0, index);
    if (next.id !== undefined && before.some(({ id }) => id === next.id)) return;
    const last = counted.filter(({ source, at }) => at !== undefined && source === next.source).at(-1);
    if (next.at !== undefined && last) {
      if (last.kind === next.kind && Date.parse(last.at ?? '') === Date.parse(next.at)) return;
      if (happened(next) < happened(last)) return;
    }
    counted.push(next);
    const after: State = nextState(state, next.kind);
    if (after !== state) rev++;
    state = after;
  });
  return { state, rev };
}

test('5,000 random histories, by several sources, with and without times and ids, are decided as the plain model says', () => {
  const next = random(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  for (let run = 0; run < 5_000; run++) {
    const changes = Array.from({ length: 2 + Math.floor(next() * 10) }, (_, n) =>
      change(pick(['cleared', 'cleared', 'reopened', 'reopened', 'cancelled'] as const), {
        source: pick(['monitor', 'desk', 'customer']),
        at: next() < 0.5 ? pick([early, late, future, '2026-03-01T10:30:00Z']) : undefined,
        id: next() < 0.3 ? pick(['a', 'b', 'c', 'd']) : undefined,
        receivedAt: new Date(Date.parse(received) + n * 1000).toISOString(),
      }),
    );
    const { state, rev } = decideAll(changes);
    expect({ changes, state, rev }).toEqual({ changes, ...model(changes) });
  }
});
