import type { Written } from '../outside/reports/fenced-write.js';
import type { State } from '../policy/status.js';

/** What the ledger holds after a write. `isSuperseded`: another run or a newer revision came first, so the run has to look again. */
export interface WrittenReport {
  state: State;
  cycle: number;
  isSuperseded: boolean;
}

export const writtenReport = ({ row: { state, cycle }, isSuperseded }: Written): WrittenReport => ({
  state,
  cycle,
  isSuperseded,
});
