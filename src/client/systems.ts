/** The client's operations on external ticket systems. */
import type { SystemState, SystemStates } from '../outside/system-states.js';

export class SystemService {
  constructor(private readonly stored: SystemStates) {}

  /** How far each system was read, and why it was not. */
  states(): Promise<SystemState[]> {
    return this.stored.states();
  }

  /** Tickets may have changed: they are read soon. Safe to repeat. */
  hint(system: string, ticketIds: string[]): Promise<void> {
    return this.stored.hint(system, ticketIds);
  }
}
