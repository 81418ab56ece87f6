/** The schedules: the sweep and the daily removal of personal data. */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleSpec } from '@temporalio/client';
import {
  forgetSchedule,
  forgetWorkflow,
  taskQueue,
  watchSchedule,
  watchWorkflow,
  type SweepResult,
} from '../../contract/messages.js';
import { second } from '../../policy/time.js';
import { callTemporal, translated } from './calls.js';

/** Every method throws `TemporalUnavailable` if Temporal does not answer. */
export interface Schedules {
  /** Creates the schedules that are missing. Existing ones stay as operators have changed them. */
  create(watchSeconds: number): Promise<void>;
  /** Sweeps now, in addition to the schedule. Returns what was found. */
  sweepNow(): Promise<SweepResult>;
}

export function schedules(temporal: Client): Schedules {
  return {
    async create(watchSeconds) {
      await createOnce(temporal, watchSchedule, watchWorkflow, { intervals: [{ every: watchSeconds * second }] });
      await createOnce(temporal, forgetSchedule, forgetWorkflow, { calendars: [{ hour: 3, minute: 30 }] });
    },

    async sweepNow() {
      const options = {
        workflowId: `${watchSchedule}-now`,
        taskQueue,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [],
      } as const;
      const run = await callTemporal(temporal, () => temporal.workflow.start(watchWorkflow, options));
      return translated(() => run.result() as Promise<SweepResult>);
    },
  };
}

async function createOnce(temporal: Client, scheduleId: string, type: string, spec: ScheduleSpec): Promise<void> {
  const action = { type: 'startWorkflow', workflowType: type, taskQueue, args: [] } as const;
  const policies = { overlap: ScheduleOverlapPolicy.SKIP };
  try {
    await callTemporal(temporal, () => temporal.schedule.create({ scheduleId, spec, policies, action }));
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
