import { dirname, join } from 'node:path';
import { carriedVersions } from '../../src/contract/carried.js';
import { workflowIdOf } from '../../src/contract/ids.js';
import { taskQueue, workflowType } from '../../src/contract/messages.js';
import { deploymentName, type WorkerVersion } from '../../src/contract/worker-versions.js';
import { workerVersions } from '../../src/outside/temporal/worker-versions.js';
import { cleanEnv, run } from '../stack/commands.js';
import { killPart } from '../stack/failing-parts.js';
import { brokenInvariants, isTaskTimedOut } from '../stack/invariants.js';
import { lookUp } from '../stack/look-up.js';
import { buildNextRelease, newColumn } from '../stack/next-release.js';
import { noSweep } from '../stack/no-sweep.js';
import { readinessOf } from '../stack/readiness.js';
import { retryNow } from '../stack/retry-now.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

/**
 * A release is rolled out to 20 % and 100 %, rolled back, and rolled out again, while reports wait in every phase; CLOSEOUT_UPGRADES is how
 * many in each.
 */
const perPhase = Number(process.env['CLOSEOUT_UPGRADES'] ?? 5);
const patience = 300_000 + perPhase * 30_000;

const policy = `
default: { survey: { contactCap: null } }
rules:
  - { when: { ticketType: confirmed }, confirmation: { window: 1h, warnBefore: null, businessHours: null } }
  - { when: { ticketType: delayed }, survey: { delay: 2h } }
`;

let stack: Stack;
let nextWorker: Awaited<ReturnType<Stack['secondWorker']>> | undefined;
beforeAll(async () => {
  // No sweep: it would end the reports that ATTENTION makes look cancelled.
  stack = await Stack.start({ policy, env: { CLOSEOUT_WORKER_VERSIONING: 'yes', ...noSweep } });
  await stack.sql('create table blocked (id text primary key)');
  await stack.sql(`
    create function block() returns trigger language plpgsql as $$ begin
      if new.state = 'closed' and new.id in (select id from blocked) then raise exception using errcode = '53400'; end if;
      return new; end $$`);
  await stack.sql('create trigger block before update on reports for each row execute function block()');
}, patience);
afterAll(async () => {
  await nextWorker?.end();
  await stack.end();
});

const versions = async () => JSON.parse((await stack.closeout('versions', '--json')).stdout) as WorkerVersion[];
const rollOut = async (version: string, percent: number) =>
  expect(await stack.closeout('rollout', version, '--percent', `${percent}`)).toMatchObject({ code: 0 });

/** Reports that wait in a phase, and what ends the waiting. */
interface Waiting {
  type: string;
  enter: (id: string) => Promise<void>;
  leave: (id: string) => Promise<void>;
  /** Of the survey, afterwards; `sent` if absent. */
  becomes?: 'answered' | 'skipped';
}

const phases: Record<string, Waiting> = {
  OPEN: {
    type: 'fault',
    enter: () => Promise.resolve(),
    leave: async (id) => void (await stack.client.clear(id)),
  },
  CLEARING: {
    type: 'fault',
    enter: async (id) => {
      await stack.client.operate('hold', id, { by: 'eve' });
      await stack.client.clear(id);
      await stack.untilHeld(id);
    },
    leave: async (id) => void (await stack.client.operate('release', id, { by: 'eve' })),
  },
  CONFIRMING: {
    type: 'confirmed',
    enter: async (id) => {
      await stack.client.clear(id);
      await stack.untilAsked(id);
    },
    leave: async (id) => {
      const survey = await stack.client.surveys.ofCycle(id, 1);
      await stack.client.surveys.confirm(survey?.id ?? '', { fixed: true, clearedAt: survey?.confirmFor as Date });
    },
  },
  ATTENTION: {
    type: 'fault',
    enter: async (id) => {
      await lookUp(stack, id);
      await stack.sql("update reports set status = 'cancelled' where id = $1", [id]);
      await stack.client.clear(id).catch(() => stack.signal(id, 'cleared'));
      await stack.untilPhase(id, 'needsAttention');
    },
    leave: async (id) => {
      await stack.sql("update reports set status = 'resolved' where id = $1", [id]);
      await retryNow(stack, id);
    },
  },
  CLOSING: {
    type: 'fault',
    enter: async (id) => {
      await lookUp(stack, id);
      await stack.sql('insert into blocked values ($1)', [id]);
      await stack.client.clear(id);
      await stack.untilPhase(id, 'closing');
    },
    leave: async (id) => {
      await stack.sql('delete from blocked where id = $1', [id]);
      await retryNow(stack, id);
    },
  },
  DELAYED: {
    type: 'delayed',
    enter: async (id) => {
      await stack.client.clear(id);
      await stack.untilPostponed(id);
    },
    leave: async (id) => void (await stack.client.operate('skipSurvey', id, { by: 'eve' })),
    becomes: 'skipped',
  },
  SURVEYING: {
    type: 'fault',
    enter: async (id) => {
      await stack.client.clear(id);
      await stack.untilSurvey(id, 'sent');
    },
    leave: (id) => answer(id),
    becomes: 'answered',
  },
};

const idsIn = (phase: string) => Array.from({ length: perPhase }, (_, n) => `${phase}-${n}`);
const all = Object.keys(phases).flatMap(idsIn);

async function answer(id: string): Promise<void> {
  const survey = await stack.client.surveys.ofCycle(id, 1);
  await stack.client.surveys.answer(survey?.id ?? '', { score: 5 });
  await stack.untilSurvey(id, 'answered');
}

/** In every phase, those whose turn it is go on, and then those of the turn before, which may have taken a changed path. */
async function goOn(turn: number, turns: number): Promise<void> {
  const ofTurn = (phase: string, wanted: number) => idsIn(phase).filter((_, n) => n % turns === wanted);
  for (const [phase, { leave, becomes = 'sent' }] of Object.entries(phases)) {
    for (const id of ofTurn(phase, turn)) {
      await leave(id);
      await stack.untilSurvey(id, becomes);
    }
    if (becomes === 'sent') for (const id of ofTurn(phase, turn - 1)) await answer(id);
  }
}

/** As a deployment does before it starts the release; then the processes of the release before start again on the newer tables. */
async function migrateWith(command: string): Promise<void> {
  const migrated = await run(process.execPath, [command, 'migrate'], { ...cleanEnv(), ...stack.env });
  expect([migrated.code, migrated.stdout]).toEqual([0, expect.stringContaining('9999-next')]);
  await stack.sql(`select ${newColumn} from reports`);
  const { worker, gateway } = stack.pids();
  for (const part of ['worker', 'gateway'] as const) killPart(stack, part);
  await until('both to start again', () => {
    const { worker: newWorker = worker, gateway: newGateway = gateway } = stack.pids();
    return newWorker !== worker && newGateway !== gateway;
  });
  await until('both to be ready', async () => (await readinessOf(stack)).status === 'ok');
}

test(
  'runs that wait in every phase go on with whichever release is rolled out, and none is lost',
  async () => {
    const [first] = await versions();
    expect(first).toMatchObject({ state: 'current' });
    const old = first?.buildId ?? '';
    for (const [phase, { type, enter }] of Object.entries(phases))
      for (const id of idsIn(phase)) {
        await stack.open(id, { ticketType: type });
        await enter(id);
      }

    const command = await buildNextRelease();
    await migrateWith(command);
    nextWorker = await stack.secondWorker({ CLOSEOUT_NEW_PATHS: 'no' }, command);
    const next = (await until('the next release', async () => (await versions()).find((one) => one.buildId !== old)))
      .buildId;
    await goOn(0, 5);
    await rollOut(next, 20);
    expect(await versions()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ buildId: next, state: 'ramping', percentage: 20 }),
        expect.objectContaining({ buildId: old, state: 'current' }),
      ]),
    );
    await goOn(1, 5);
    await rollOut(next, 100);
    await until('the gateway to be ready', async () => (await readinessOf(stack)).worker === 'ok');
    await goOn(2, 5);
    await rollOut(old, 100);
    await goOn(3, 5);
    await rollOut(next, 100);
    nextWorker.kill('SIGKILL');
    const isMissing = async () => (await readinessOf(stack)).worker === `no worker of version ${next} is running`;
    await until('the missing workers to be noticed', isMissing, 60_000);
    expect((await stack.closeout('rollout', next)).stderr).toContain(`No worker of version ${next} is running`);
    nextWorker = await stack.secondWorker({}, command); // nobody will roll back any more
    await until('the new ones to be noticed', async () => (await readinessOf(stack)).worker === 'ok');
    await goOn(4, 5);

    const builds = new Map<string, number>();
    let patchedRuns = 0;
    for (const id of all) {
      expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
      const events = (await stack.history(id)).events ?? [];
      expect(events.filter(hasFailed)).toEqual([]);
      for (const build of buildsOf(events)) builds.set(build, (builds.get(build) ?? 0) + 1);
      if (events.some(({ markerRecordedEventAttributes: marker }) => marker?.markerName === 'core_patch'))
        patchedRuns++;
    }
    expect([...builds.keys()].sort()).toEqual([old, next].sort());
    expect(patchedRuns).toBeGreaterThan(0);
    const bundle = join(dirname(command), 'worker/workflow-bundle.js');
    expect(await brokenInvariants(stack, { bundle })).toEqual([]);
  },
  patience,
);

type Events = NonNullable<Awaited<ReturnType<Stack['history']>>['events']>;

/** A workflow task that was not just repeated, because its local activities took too long. */
const hasFailed = ({ workflowTaskFailedEventAttributes: failed }: Events[number]) =>
  failed && !isTaskTimedOut(failed.failure);

/** The builds that have worked on a run. */
const buildsOf = (events: Events): Set<string> =>
  new Set(events.flatMap(({ workflowTaskCompletedEventAttributes: done }) => done?.deploymentVersion?.buildId ?? []));

test('a run that a newer release has continued waits for a worker of that release', async () => {
  const [workflowId, reportId] = [workflowIdOf('NEWER-1'), 'NEWER-1'];
  const input = { reportId, carried: { v: carriedVersions.closeProblemReport + 1, changes: [] } };
  const run = await stack.temporal.workflow.start(workflowType, { workflowId, taskQueue, args: [input] });
  const failure = await until('its task to fail', async () =>
    (await run.fetchHistory()).events?.find((event) => event.workflowTaskFailedEventAttributes),
  );
  expect(failure.workflowTaskFailedEventAttributes?.failure?.message).toContain('only a newer release');
  expect((await run.describe()).status.name).toBe('RUNNING');
  await run.terminate();
});

test('a version that cannot be rolled out is refused with the reason', async () => {
  const unknown = await stack.closeout('rollout', '9.9.9-none');
  expect(unknown).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('No worker of version 9.9.9-none has ever run') as string,
  });
  expect((await stack.closeout('rollout', '9.9.9-none', '--percent', '101')).stderr).toContain('from 0 to 100');
});

test('once an operator has gone back to workers without a version, no version makes itself the current one', async () => {
  const { workflowService, options } = stack.temporal;
  const [current] = (await versions()).filter(({ state }) => state === 'current');
  const about = { namespace: options.namespace, deploymentName, buildId: '', ignoreMissingTaskQueues: true };
  await workflowService.setWorkerDeploymentCurrentVersion(about);
  await workerVersions(stack.temporal).rollOutFirst(current?.buildId ?? '');
  expect((await versions()).filter(({ state }) => state === 'current')).toEqual([]);
});
