/** The client's operations on all reports: counts, sweep, retry, health. */
import { CloseoutError } from '../contract/errors.js';
import type { MassClearProgress, OperatorRequest, SweepResult } from '../contract/messages.js';
import type { AskedQuestion } from '../contract/question.js';
import { statsOf, type Stats } from '../operator/satisfaction.js';
import type { Counts } from '../outside/figures/counts.js';
import type { Stores } from '../outside/stores.js';
import type { LastSweep } from '../outside/sweeps.js';
import { shortDeadline } from '../outside/temporal/calls.js';
import type { Temporal } from '../outside/temporal/connect.js';
import { falseIfRefused, ignoreUnavailable } from './errors.js';

export class OverviewService {
  /** The counts behind the desk and the metrics. */
  readonly counts: Counts;

  constructor(
    private readonly stores: Stores,
    private readonly temporal: Temporal,
  ) {
    this.counts = stores.counts;
  }

  /** Progress of at most `limit` service problems that are being cleared; without those for which no worker answers. */
  async beingCleared(limit: number): Promise<MassClearProgress[]> {
    const { serviceProblems } = this.temporal;
    const ids = await serviceProblems.beingCleared(limit);
    const progress = await Promise.all(ids.map((id) => serviceProblems.progress(id).catch(ignoreUnavailable)));
    return progress.filter((known) => known !== undefined);
  }

  /** Surveys sent, answered and skipped by reason; satisfaction with its confidence interval. */
  async stats(): Promise<Stats> {
    return statsOf(await this.stores.counts.surveys());
  }

  /** Every version of every question that customers were asked. */
  questions(): Promise<AskedQuestion[]> {
    return this.stores.questions.all();
  }

  lastSweep(): Promise<LastSweep | undefined> {
    return this.stores.sweeps.last();
  }

  /** Looks for reports with which something is wrong, now, and wakes their runs. Safe to repeat. */
  async sweep(): Promise<SweepResult> {
    const { workerVersions, schedules } = this.temporal;
    const why = await workerVersions.whyNoWorker();
    if (why)
      throw new CloseoutError('TemporalUnavailable', `The sweep cannot run: ${why}. Start a worker: closeout worker.`);
    return schedules.sweepNow();
  }

  /**
   * Asks every run that waits for an operator to retry. `filter`: only those that match this Temporal list filter. `failed`: those that
   * had gone on, or wait for a customer; `unreachable`: those that did not answer.
   */
  async retryAll(
    request: Pick<OperatorRequest, 'by' | 'note'>,
    filter?: string,
  ): Promise<Record<'retried' | 'failed' | 'unreachable', string[]>> {
    const { runs } = this.temporal;
    const result = { retried: [] as string[], failed: [] as string[], unreachable: [] as string[] };
    for (const id of await runs.inAttention(10_000, filter)) {
      const accept = () => true;
      const isAccepted = await runs
        .update('retryNow', id, request)
        .then(accept, falseIfRefused)
        .catch(ignoreUnavailable);
      if (isAccepted === undefined) result.unreachable.push(id);
      else result[isAccepted ? 'retried' : 'failed'].push(id);
    }
    return result;
  }

  /** Reports whose runs wait for an operator, and that the database does not have, as after it was restored. Empty without Temporal. */
  async lostInAttention(): Promise<string[]> {
    const waiting = await this.temporal.runs.inAttention(1000, undefined, shortDeadline).catch(ignoreUnavailable);
    return waiting ? this.stores.desk.missing(waiting) : [];
  }

  /** Everything the client depends on, each `ok` or why not. */
  async checks(): Promise<Record<'database' | 'temporal' | 'worker', string>> {
    const verdict = (check: Promise<unknown>): Promise<string> =>
      check.then(
        () => 'ok',
        (error: Error) => error.name,
      );
    const silent = this.stores.workers.silentVersions();
    // Temporal is asked even if the database does not answer.
    const workers = silent
      .catch(() => undefined)
      .then((versions) => this.temporal.workerVersions.whyNoWorker(versions, checkMs));
    const [database, temporal, worker] = await Promise.all([
      verdict(silent),
      verdict(workers),
      workers.then(
        (why) => why ?? 'ok',
        () => 'unknown',
      ),
    ]);
    return { database, temporal, worker };
  }
}

/** A load balancer does not wait long for its health check. */
const checkMs = 1000;
