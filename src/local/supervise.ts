/** Starts the parts of a stack in order, restarts each that ends, and stops them in the opposite order. */
import { setTimeout as pause } from 'node:timers/promises';
import { notePids, type Pids } from './leftovers.js';
import type { Part } from './part.js';

export interface PartDefinition {
  name: string;
  start: () => Part | Promise<Part>;
}

export class Supervisor {
  private readonly parts = new Map<string, Part>();
  private recorded: Promise<void> = Promise.resolve();
  private readonly stopped: Promise<unknown>;

  /** Once `stopping` is aborted, no part is started. */
  constructor(
    private readonly dataDir: string,
    private readonly stopping: AbortSignal,
    private readonly say: (line: string) => void,
  ) {
    this.stopped = new Promise((resolve) => stopping.addEventListener('abort', resolve));
  }

  async start(recipe: PartDefinition): Promise<void> {
    const { name } = recipe;
    const startedAt = performance.now();
    const part = await recipe.start();
    this.parts.set(name, part);
    try {
      // Recorded before it is ready: if we are killed meanwhile, the next start ends it.
      await Promise.all([Promise.race([part.ready, this.stopped]), this.recordPids()]);
    } catch (error) {
      this.parts.delete(name);
      await part.stop();
      throw error;
    }
    if (this.isStopping()) return part.stop();
    void part.ended.then((exit) => this.restart(recipe, startedAt, exit));
    this.say(`${name}: ready (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  }

  async stopAll(): Promise<void> {
    if (this.parts.size > 0) this.say('Stopping. The next "npm start" continues from here.');
    for (const part of [...this.parts.values()].reverse()) await part.stop();
  }

  /** Until it runs: it ran before, so what prevents it will pass, such as another part that is down. */
  private async restart(recipe: PartDefinition, startedAt: number, exit: string): Promise<void> {
    if (this.isStopping()) return;
    this.say(`${recipe.name}: ended with ${exit}; restarting it`);
    if (performance.now() - startedAt < 5_000) await pause(2_000);
    while (!this.isStopping()) {
      try {
        return await this.start(recipe);
      } catch (error) {
        if (this.isStopping()) return;
        this.say(`${recipe.name}: cannot be restarted yet: ${error instanceof Error ? error.message : String(error)}`);
        await pause(2_000);
      }
    }
  }

  private isStopping(): boolean {
    return this.stopping.aborted;
  }

  /** One after the other, because parts may be restarted at the same time. */
  private recordPids(): Promise<void> {
    const record = async () => {
      const pids: Pids = { start: process.pid };
      for (const [name, { pid }] of this.parts) pids[name] = pid;
      await notePids(this.dataDir, pids);
    };
    const failed = (error: NodeJS.ErrnoException) => this.say(`pids.json cannot be written (${error.code})`);
    return (this.recorded = this.recorded.then(record).catch(failed));
  }
}
