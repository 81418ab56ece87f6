/** The client's operations on external ticket systems. */
import type { Observation, ObservedReports } from '../outside/reports/observed.js';
import type { ReportStore } from '../outside/reports/store.js';
import type { Pace, SystemState, SystemStates } from '../outside/system-states.js';
import type { Runs } from '../outside/temporal/runs.js';

export class SystemService {
  constructor(
    private readonly stored: SystemStates,
    private readonly observed: ObservedReports,
    private readonly runs: Runs,
    private readonly reports: ReportStore,
  ) {}

  /** How far each system was read, and why it was not. */
  states(): Promise<SystemState[]> {
    return this.stored.states();
  }

  /** Tickets may have changed: they are read soon. Safe to repeat. */
  hint(system: string, ticketIds: string[]): Promise<void> {
    return this.stored.hint(system, ticketIds);
  }

  /** When all processes together may ask a system next. */
  paceOf(system: string, perSecond: number): Pace {
    return this.stored.paceOf(system, perSecond);
  }

  /** A ticket was just opened there: its report is followed at once. Throws `StatusConflict` if it is over already. Safe to repeat. */
  async follow(observation: Observation): Promise<string> {
    const reportId = await this.observed.observeOpened(observation);
    await this.runs.begin(await this.reports.get(reportId));
    return reportId;
  }
}
