/** Opening a report: what is checked before it is stored, and its first run. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { NewReport, Report } from '../contract/reports.js';
import type { Stores } from '../outside/stores.js';
import type { Temporal } from '../outside/temporal/connect.js';
import { assertContact, assertDescription, assertIds, assertPast, assertReportId } from './checks.js';

export function checkedOpening(report: NewReport): NewReport & { id: string } {
  const { id = randomUUID(), contact, openedAt } = report;
  assertReportId(id);
  assertIds(report);
  if (contact) assertContact(contact);
  assertDescription(report.description);
  if (openedAt !== undefined) assertPast(openedAt, 'openedAt');
  return { ...report, id };
}

/** The first runs of new reports, which need not look up what was just stored. */
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
    const opened = { ticketType, severity, priority, customerId, serviceProblemId, surveyId };
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
      await this.parts.stores.ledger.noteBegun(runIds).catch(() => undefined); // then the watch wakes them
    }
    this.noting = undefined;
  }
}

/** So that one statement notes the runs of all reports that are opened at the same time; ms. */
const notingDelay = 50;
