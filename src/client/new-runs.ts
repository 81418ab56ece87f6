/** The first runs of new reports. */
import { setTimeout } from 'node:timers/promises';
import type { Report } from '../contract/reports.js';
import type { Stores } from '../outside/stores.js';
import type { Temporal } from '../outside/temporal/connect.js';

/** They need not look up what was just stored. */
export class NewRuns {
  /** The runs that the ledger does not know yet, by report. */
  private begun = new Map<string, string>();
  private noting: Promise<void> | undefined;

  constructor(
    private readonly parts: { stores: Pick<Stores, 'ledger' | 'surveys'>; temporal: Pick<Temporal, 'runs'> },
  ) {}

  async begin(report: Report): Promise<void> {
    const { stores, temporal } = this.parts;
    const { id, cycle, ticketType, severity, priority, customerId, serviceProblemId } = report;
    const surveyId = stores.surveys.idOf(id, cycle);
    const opened = { cycle, ticketType, severity, priority, customerId, serviceProblemId, surveyId };
    const runId = await temporal.runs.begin(report, opened);
    if (runId === undefined) return;
    this.begun.set(id, runId);
    this.noting ??= this.noteBegun();
  }

  /** Resolves once the ledger knows the runs. */
  async settle(): Promise<void> {
    await this.noting;
  }

  private async noteBegun(): Promise<void> {
    while (this.begun.size > 0) {
      await setTimeout(notingDelay);
      const runIds = this.begun;
      this.begun = new Map();
      await this.parts.stores.ledger.noteBegun(runIds).catch(() => undefined); // then the sweep wakes them
    }
    this.noting = undefined;
  }
}

/** So that one statement notes the runs of all reports that are opened at the same time; ms. */
const notingDelay = 50;
