/** Programs that are built with Go, once, and kept in the cache. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

type Say = (line: string) => void;

/** Built in another folder and then renamed, so that an interrupted build leaves nothing that looks usable. `what`: for the report. */
export async function goInstall(dir: string, packages: string[], what: string, say: Say): Promise<void> {
  const startedAt = performance.now();
  const building = join(dir, `building-${process.pid}`);
  await mkdir(building, { recursive: true });
  const report = () => say(`${what} with Go, once; this takes 2 to 5 minutes (${elapsed(startedAt)})`);
  report();
  const ticker = setInterval(report, process.stdout.isTTY ? 1000 : 15_000);
  try {
    await build(building, packages);
    for (const name of await readdir(building)) await rename(join(building, name), join(dir, name));
  } finally {
    clearInterval(ticker);
    await rm(building, { recursive: true, force: true });
  }
}

export const isBuilt = (dir: string, names: string[]): boolean => names.every((name) => existsSync(join(dir, name)));

function build(building: string, packages: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = spawn('go', ['install', ...packages], {
      env: { ...process.env, GOBIN: building, GOFLAGS: '' },
      stdio: 'ignore',
    });
    go.once('error', reject);
    go.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`go install ended with ${code}`))));
  });
}

const elapsed = (since: number) => `${Math.round((performance.now() - since) / 1000)} s`;
