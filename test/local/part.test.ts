import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
  await expect(startScript(script).ready).rejects.toThrow(message);
});

/** Writes its process id to a file, then waits. */
const waitsForever = `require('node:fs').writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)`;
const startWaiting = (pidFile: string, ready: () => Promise<boolean>) =>
  startPart({
    name: 'worker',
    command: process.execPath,
    args: ['--eval', waitsForever, pidFile],
    logFile: join(dir, 'worker.log'),
    ready,
  });
const pidIn = async (file: string) => Number(await readFile(file, 'utf8').catch(() => ''));

test('a clock that jumps while a part starts does not end the start', async () => {
  const file = join(dir, 'pid of a second');
  let now = Date.now();
  const jump = jest.spyOn(Date, 'now').mockImplementation(() => (now += 3_600_000));
  try {
    const part = startWaiting(file, async () => (await pidIn(file)) > 0);
    await part.ready;
    await part.stop();
  } finally {
    jump.mockRestore();
  }
});
