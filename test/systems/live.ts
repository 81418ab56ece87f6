/** Real systems, where they are installed: scripts/systems installs them. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { freePorts } from '../stack/commands.js';

const folder = process.env['CLOSEOUT_SYSTEMS_DIR'] ?? '/var/tmp/closeout-systems';

/** `installed`: a file that is there once it is. */
export const isInstalled = (system: string): boolean => existsSync(`${folder}/${system}/token`);

export const skipped = (system: string): string =>
  `${system} is not installed on this machine, so its adapter was not tried against it; scripts/systems/${system}.sh start installs it.`;

export interface Live {
  url: string;
  token: string;
  stop: () => Promise<void>;
  /** Sends a signal to its processes. */
  kill: (signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') => void;
  /** After it was killed. */
  restart: () => Promise<void>;
}

/** `more`: further arguments of its script. */
export async function startLive(system: string, ...more: string[]): Promise<Live> {
  const [port] = await freePorts(1);
  const script = `scripts/systems/${system}.sh`;
  const run = async (command: string) => (await promisify(execFile)(script, [command, `${port}`, ...more])).stdout;
  const valueIn = (printed: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(printed)?.[1] ?? '';
  const printed = await run('start');
  let pid = Number(valueIn(printed, 'PID'));
  return {
    url: valueIn(printed, 'URL'),
    token: valueIn(printed, 'TOKEN'),
    stop: async () => void (await run('stop')),
    // It has a process group of its own: a worker that survives would keep the port.
    kill: (signal) => void process.kill(-pid, signal),
    restart: async () => {
      pid = Number(valueIn(await run('restart'), 'PID'));
    },
  };
}
