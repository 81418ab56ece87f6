import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPart } from '../../src/local/part.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'closeout-part-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const startScript = (script: string) =>
  startPart({
    name: 'worker',
    command: process.execPath,
    args: ['--eval', script],
    logFile: join(dir, 'worker.log'),
    ready: 'message',
  });

const stack = 'goroutine 1 [running]:\\nmain.go:18 +0x96';

test.each([
  [
    `console.error('closeout: Set X.\\n${stack}'); process.exit(1)`,
    'worker ended with exit code 1: Set X. (full log: ',
  ],
  [
    `console.error('starting\\npanic: address already in use\\n${stack}'); process.exit(2)`,
    'panic: address already in use (',
  ],
  [
    `console.error('no more memory'); process.kill(process.pid, 'SIGKILL')`,
    'worker ended with SIGKILL: no more memory (',
  ],
])('a part that ends at start says why in one line: %s', async (script, message) => {
  await writeFile(join(dir, 'worker.log'), 'closeout: an error of an earlier start\n');
  await expect(startScript(script)).rejects.toThrow(message);
});
