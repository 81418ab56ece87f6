/** Changes from several sides while no worker runs: the outcome is that of a plain model of the order in the history. */
import { defaultPayloadConverter } from '@temporalio/common';
import { workflowIdOf } from '../../src/contract/ids.js';
import { signals, type ChangeSignal } from '../../src/contract/messages.js';
import type { ChangeKind } from '../../src/contract/reports.js';
import { setTimeout as pause } from 'node:timers/promises';
import { callApi, ticketPath } from '../stack/tickets.js';
import { brokenInvariants } from '../stack/invariants.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { faultSeed as seed, random } from '../stack/random.js';
import { openSession } from '../stack/session.js';

/** In the hold-down, nothing that a run does by itself comes between its signals. */
const policy = `
rules:
  - when: { ticketType: kept }
    holdDown: 1h
default:
  survey: { enabled: false }
`;
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy });
});
afterAll(() => stack.end());

const worker = (signal: 'SIGSTOP' | 'SIGCONT') => process.kill(stack.pids()['worker'] ?? NaN, signal);

/** What was said to a run, in the order of its history: nothing else is looked at. */
async function saidTo(id: string, runId: string): Promise<{ kind: ChangeKind; payload: ChangeSignal }[]> {
  const { events } = await stack.temporal.workflow.getHandle(workflowIdOf(id), runId).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    const name = signal?.signalName ?? '';
    if (!['cleared', 'reopened', 'cancelled'].includes(name)) return [];
    const [payload] = signal?.input?.payloads ?? [];
    return [
      { kind: name as ChangeKind, payload: payload ? defaultPayloadConverter.fromPayload<ChangeSignal>(payload) : {} },
    ];
  });
}

/** The plain model, for a report that is not closed meanwhile. */
function outcomeOf(said: { kind: ChangeKind; payload: ChangeSignal }[]): 'open' | 'cleared' | 'cancelled' {
  let state: 'open' | 'cleared' | 'cancelled' = 'open';
  const last = new Map<string, { kind: string; at: number }>();
  for (const { kind, payload } of said) {
    if (payload.at !== undefined) {
      const source = payload.by ?? 'signal';
      const at = Date.parse(payload.at);
      const before = last.get(source);
      if (before && ((before.kind === kind && before.at === at) || at < before.at)) continue;
      last.set(source, { kind, at });
    }
    if (state === 'cancelled') continue;
    state = kind === 'reopened' ? 'open' : kind;
  }
  return state;
}

test('random signals, PATCHes and commands while the worker is stopped: each report ends as its history says', async () => {
  const next = random(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const ids = Array.from({ length: 12 }, (_, n) => `ORDER-${n}`);
  const runIds: string[] = [];
  for (const id of ids) {
    await stack.open(id, { ticketType: 'kept' });
    await stack.untilPhase(id, 'open', 1);
    runIds.push((await stack.temporal.workflow.getHandle(workflowIdOf(id)).describe()).runId);
  }
  worker('SIGSTOP');
  const at = (minute: number) => ({ at: `2026-03-01T12:${10 + minute}:00Z` });
  const say = async (id: string): Promise<void> => {
    const by = pick(['monitor', 'desk']);
    const kind = pick(['cleared', 'cleared', 'reopened', 'reopened', 'cancelled'] as const);
    switch (pick(['bare', 'timed', 'client', 'patch'] as const)) {
      case 'bare':
        return void (await stack.temporal.workflow.getHandle(workflowIdOf(id)).signal(signals[kind]));
      case 'timed':
        return void (await stack.temporal.workflow
          .getHandle(workflowIdOf(id))
          .signal(signals[kind], { by, ...at(Math.floor(next() * 4)) }));
      case 'client':
        return void (await stack.client[kind === 'cleared' ? 'clear' : 'reopen'](id, { by }));
      case 'patch': {
        const status = pick(['resolved', 'inProgress', 'pending']);
        expect([200, 202]).toContain((await callApi(stack, 'PATCH', `${ticketPath}/${id}`, { status })).status);
      }
    }
  };
  await Promise.all(
    ids.map(async (id) => {
      for (let n = 0; n < 5; n++) await say(id);
    }),
  );
  worker('SIGCONT');
  const stateOf = async (id: string) => {
    const { status } = await stack.client.get(id);
    if (status === 'resolved') return 'cleared';
    return status === 'cancelled' ? status : 'open';
  };
  for (const [index, id] of ids.entries()) {
    // The server adds to the history what came while a task was out only when that task ends.
    await until(`${id} to be what its history says`, async () => {
      const said = await saidTo(id, runIds[index] ?? '');
      return said.length === 5 && (await stateOf(id)) === outcomeOf(said);
    });
  }
});

test('a lost reopening: bare "cleared", then "reopened" by command, while the worker is stopped', async () => {
  const id = await stack.open('LATER-1');
  await stack.untilPhase(id, 'open', 1);
  worker('SIGSTOP');
  await stack.signal(id, 'cleared');
  const reopened = await stack.closeout('reopen', id, '--reason', 'still broken');
  expect(reopened.stdout).toBe('LATER-1 is already open (acknowledged) (cycle 1).\n'); // what stands
  worker('SIGCONT');
  await until('both to be received', async () => {
    const [row] = await stack.sql<{ status: string }>('select status from reports where id = $1', [id]);
    return row?.status === 'inProgress';
  });
  // If the worker had the first signal already, it closes the report, and the second one reopens it.
  await stack.untilPhase(id, 'open');
  expect((await stack.client.get(id)).status).toBe('inProgress');
});

test('a duplicate "reopened", then PATCH resolved, while the worker is stopped: closed', async () => {
  const id = await stack.open('STUCK-1');
  await stack.untilPhase(id, 'open', 1);
  worker('SIGSTOP');
  await stack.signal(id, 'reopened');
  const patched = await callApi(stack, 'PATCH', `${ticketPath}/${id}`, { status: 'resolved' });
  expect([patched.status, patched.body['status']]).toEqual([202, 'acknowledged']);
  worker('SIGCONT');
  await stack.untilPhase(id, 'done');
  expect((await stack.client.get(id)).status).toBe('closed');
});

test.each(['pending', 'held', 'inProgress'] as const)(
  'PATCH resolved, then another at once: it stays %s',
  async (status) => {
    for (let n = 0; n < 10; n++) {
      const id = await stack.open(`RACE-${status}-${n}`, { ticketType: 'kept' });
      await callApi(stack, 'PATCH', `${ticketPath}/${id}`, { status: 'resolved' });
      const patched = await callApi(stack, 'PATCH', `${ticketPath}/${id}`, { status, statusChangeReason: 'not yet' });
      expect([200, 202]).toContain(patched.status);
      await until(`${id} to be ${status}`, async () => (await stack.client.get(id)).status === status);
      expect((await stack.client.get(id)).statusReason).toBe('not yet');
    }
  },
);

/** Closed after three changes: each of them is a revision. */
const untilClosedAgain = (id: string) =>
  until(`${id} to be closed after three changes`, async () => {
    const found = await stack.sql(`select from reports where id = $1 and status = 'closed' and rev >= 3`, [id]);
    return found.length === 1;
  });

test('cleared, reopened, cleared within the second that all of them state: each counts, and the report is closed', async () => {
  const at = { at: '2026-03-03T10:00:00Z' };
  for (const gap of [0, 5, 25, 100, 200]) {
    const id = await stack.open(`SECOND-${gap}`);
    for (const signal of ['cleared', 'reopened', 'cleared']) {
      await stack.signalWithStart(id, signal, at); // its run may be done
      await pause(gap);
    }
    await untilClosedAgain(id);
    await stack.untilPhase(id, 'done');
  }
});

test('cleared, then cancelled at once: run and record agree', async () => {
  for (let gap = 0; gap <= 40; gap += 4) {
    const id = await stack.open(`AGREE-${gap}`);
    const handle = stack.temporal.workflow.getHandle(workflowIdOf(id));
    await handle.signal('cleared');
    await pause(gap);
    await handle.signal('cancelled').catch(() => undefined); // it may be done
    const { outcome } = (await handle.result()) as { outcome: string };
    const report = await stack.client.get(id);
    expect([id, report.status]).toEqual([id, outcome]);
    expect(await stack.client.surveys.ofCycle(id, 1)).toMatchObject({ state: 'skipped' });
  }
});

test("a poller that repeats what it knows changes nothing after the customer's word", async () => {
  const id = await stack.open('POLL-1', { ticketType: 'kept' });
  const handle = stack.temporal.workflow.getHandle(workflowIdOf(id));
  const poll = { at: '2026-03-03T10:00:00Z', by: 'poller' };
  await handle.signal('cleared', poll);
  await stack.untilPhase(id, 'clearing');
  await stack.client.reopen(id, { by: 'customer', reason: 'it crackles' });
  for (let n = 0; n < 20; n++) await handle.signal('cleared', poll);
  expect(await stack.untilPhase(id, 'open')).toMatchObject({ cycle: 1 });
  expect((await stack.client.get(id)).statusReason).toBe('it crackles');
});

test('cleared, reopened and cleared at the same time of the service counts three times, however the writes fall between', async () => {
  const at = { at: '2026-03-03T10:00:00Z' };
  const next = random(seed);
  await Promise.all(
    Array.from({ length: 24 }, async (_, n) => {
      const id = await stack.open(`TWICE-${n}`);
      for (const signal of [signals.cleared, signals.reopened, signals.cleared]) {
        await stack.signalWithStart(id, signal, at);
        await pause(next() * 80);
      }
      await untilClosedAgain(id);
    }),
  );
});

test('a closing that a worker begins seconds late, and a reopening that comes during it: both are written', async () => {
  const id = await stack.open('PAUSED-1', { ticketType: 'kept' });
  await stack.untilPhase(id, 'open', 1);
  const tasks = async () =>
    (await stack.history(id)).events?.filter((event) => event.workflowTaskStartedEventAttributes).length ?? 0;
  const before = await tasks();
  const session = await openSession(stack);
  try {
    await session.query(`begin; select * from reports where id = '${id}' for update`);
    worker('SIGSTOP');
    await stack.signal(id, 'cleared');
    await until('the worker to be given the task', async () => (await tasks()) > before);
    await pause(2000); // half of the time that a workflow task has
    worker('SIGCONT');
    await stack.signal(id, 'reopened');
    await until('the task to time out', async () => (await tasks()) > before + 1);
  } finally {
    await session.end();
  }
  await until('both to be written', async () => {
    const [row] = await stack.sql<{ state: string; rev: number }>('select state, rev from reports where id = $1', [id]);
    return row?.state === 'open' && row.rev >= 2;
  });
});

test('no report, mail or answer was lost or duplicated', async () => {
  expect(await brokenInvariants(stack)).toEqual([]);
});
