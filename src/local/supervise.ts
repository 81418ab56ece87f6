/** Starts the parts of a stack in order, restarts each that ends, and stops them in the opposite order. */
import { setTimeout as pause } from 'node:timers/promises';
import { notePids, type Pids } from './leftovers.js';
import type { Part } from './part.js';

export interface PartDefinition {
  name: string;
  start: () => Promise<Part>;
}

export class Supervisor {
  private readonly parts = new Map<string, Part>();

  /** Aborting `stopping` stops the stack. The supervisor aborts it, with the error, if a part cannot be restarted. */
  constructor(
    private readonly dataDir: string,
    private readonly stopping: AbortController,
    private readonly say: (line: string) => void,
  ) {}

  async start(recipe: PartDefinition): Promise<void> {
    const { name } = recipe;
    const startedAt = Date.now();
    const part = await recipe.start();
    if (this.isStopping()) return part.stop();
    this.parts.set(name, part);
    await this.recordPids();
    this.say(`${name}: ready (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
    void part.ended.then((exit) => this.restart(recipe, startedAt, exit));
  }

  async stopAll(): Promise<void> {
    if (this.parts.size > 0) this.say('Stopping. The next "npm start" continues from here.');
    for (const part of [...this.parts.values()].reverse()) await part.stop();
  }

  private async restart(recipe: PartDefinition, startedAt: number, exit: string): Promise<void> {
    if (this.isStopping()) return;
    this.say(`${recipe.name}: ended with ${exit}; restarting it`);
    if (Date.now() - startedAt < 5_000) await pause(2_000);
    if (this.isStopping()) return;
    await this.start(recipe).catch((error: unknown) => this.stopping.abort(error));
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private async recordPids(): Promise<void> {
    const pids: Pids = { start: process.pid };
    for (const [name, { pid }] of this.parts) pids[name] = pid;
    await notePids(this.dataDir, pids);
  }
}
