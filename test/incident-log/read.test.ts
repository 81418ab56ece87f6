import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readIncidents } from '../../src/incident-log/read.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'closeout-log-'));
});

const header = 'number,incident_state,caller_id,opened_at,sys_updated_at,problem_id,impact,category';

/** `states`: each with the time of its row. */
async function read(states: [string, string][], separator = ',') {
  const rows = states.map(([state, at]) => `I1,${state},Caller  1,01-03-2026 08:00,${at},?,2 - Medium,tv`);
  const file = join(folder, 'log.csv');
  await writeFile(file, [header, ...rows].join('\n').replaceAll(',', separator));
  return readIncidents(file);
}

const march = (day: number, time = '10:00') => `${day}-03-2026 ${time}`;
const kindsOf = async (states: [string, string][], separator?: string) =>
  (await read(states, separator))[0]?.changes.map(({ kind }) => kind);

const history: [string, string][] = [
  ['New', march(1)],
  ['Resolved', march(2)],
  ['Active', march(2)],
  ['Closed', march(3)],
];

test.each([
  ['oldest first', history, ','],
  ['newest first', [...history].reverse(), ','],
  ['in no order', [history[1], history[0], history[2], history[3]] as [string, string][], ','],
  ['separated by semicolons', history, ';'],
  ['separated by tabs', history, '\t'],
  [
    'with numbers of states',
    history.map(([state, at]) => [{ New: '1', Resolved: '6', Active: '2' }[state] ?? '7', at]),
    ',',
  ],
])('a log %s', async (_, states, separator) => {
  expect(await kindsOf(states as [string, string][], separator)).toEqual(['cleared', 'reopened', 'cleared']);
});

test('times are UTC, changes of one minute keep their order, and white space in names is one space', async () => {
  expect(await read(history)).toMatchObject([
    {
      id: 'I1',
      customerId: 'Caller 1',
      serviceProblemId: undefined,
      openedAt: '2026-03-01T08:00:00.000Z',
      changes: [
        { kind: 'cleared', at: '2026-03-02T10:00:00.000Z' },
        { kind: 'reopened', at: '2026-03-02T10:00:00.001Z' },
        { kind: 'cleared', at: '2026-03-03T10:00:00.000Z' },
      ],
    },
  ]);
});

test('a cancelled incident, and a state that the log does not know', async () => {
  expect(
    await kindsOf([
      ['New', march(1)],
      ['-100', march(2)],
      ['Canceled', march(3)],
    ]),
  ).toEqual(['cancelled']);
});

test.each([
  ['a misspelt state', 'Resolvd', march(1), 'row 3: incident_state must be a state such as', '"Resolvd"'],
  ['31 February', 'Resolved', '31-02-2026 11:00', 'row 3: sys_updated_at must be a time', '"31-02-2026 11:00"'],
  ['hour 25', 'Resolved', march(1, '25:61'), 'row 3: sys_updated_at must be a time', '"1-03-2026 25:61"'],
  ['an empty state', '', march(1), 'row 3: column incident_state is missing or empty', ''],
])('%s is refused by row, column and value', async (_, state, at, where, value) => {
  const error: unknown = await read([
    ['New', march(1)],
    [state, at],
  ]).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'BadInput' });
  expect((error as Error).message).toContain(where);
  expect((error as Error).message).toContain(value);
});
