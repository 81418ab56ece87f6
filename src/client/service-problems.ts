/** Clearing every report of a common fault. */
import { randomUUID } from 'node:crypto';
import { CloseoutError } from '../contract/errors.js';
import { maxPerSecond, type MassClearInput, type MassClearProgress } from '../contract/messages.js';
import { now } from '../outside/database/clock.js';
import type { ReportStore } from '../outside/reports/store.js';
import type { ServiceProblems } from '../outside/temporal/service-problems.js';
import { assertSigned, assertPast } from './checks.js';

export class ServiceProblemService {
  constructor(
    private readonly reports: ReportStore,
    private readonly runs: ServiceProblems,
  ) {}

  /** Clears every report of a service problem, as fast as the workers follow. Throws `BadInput`, `NotFound`. */
  async clear(input: MassClearInput): Promise<void> {
    const { serviceProblemId, at, perSecond = maxPerSecond } = input;
    if (!serviceProblemId) throw new CloseoutError('BadInput', 'serviceProblemId is missing.', 'serviceProblemId');
    if (at !== undefined) assertPast(at, 'at');
    assertSigned(input);
    if (!Number.isInteger(perSecond) || perSecond < 1 || perSecond > maxPerSecond)
      throw new CloseoutError('BadInput', `perSecond must be a whole number from 1 to ${maxPerSecond}.`, 'perSecond');
    if (!(await this.reports.hasReportsOf(serviceProblemId))) {
      const message = `There are no reports of service problem ${serviceProblemId}.`;
      throw new CloseoutError('NotFound', message, 'serviceProblemId');
    }
    await this.runs.clear({ id: randomUUID(), ...input, at: at ?? now().toISOString() });
  }

  /** Progress of the clearing. Throws `NotFound` if this service problem was never cleared. */
  async progress(serviceProblemId: string): Promise<MassClearProgress> {
    const progress = await this.runs.progress(serviceProblemId);
    if (progress) return progress;
    throw new CloseoutError('NotFound', `Service problem ${serviceProblemId} was never cleared.`);
  }

  /** The clearing ended before it was done: somebody terminated or cancelled it, or it failed. */
  isStopped(serviceProblemId: string): Promise<boolean> {
    return this.runs.isStopped(serviceProblemId);
  }
}
