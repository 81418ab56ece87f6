/** A release after this one: the same build with a change to its workflow code, guarded as every change must be. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const patchId = 'rest-before-closing';

/** Returns its command. */
export async function buildNextRelease(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'closeout-test-next-'));
  await cp('dist', join(folder, 'dist'), { recursive: true });
  for (const name of ['node_modules', 'package.json']) await symlink(resolve(name), join(folder, name));
  const file = join(folder, 'dist/workflows/close-problem-report.js');
  const before = await readFile(file, 'utf8');
  const after = before
    .replace('import { ', 'import { patched, sleep, ')
    .replace('const closed = await attemptOrPark', `if (patched('${patchId}')) await sleep(1);\n    $&`);
  if (after.split(patchId).length !== 2) throw new Error('the workflow code has no longer the place to be changed');
  await writeFile(file, after);
  await promisify(execFile)(process.execPath, [join(folder, 'dist/worker/bundle-workflows.js')]);
  return join(folder, 'dist/cli.js');
}
