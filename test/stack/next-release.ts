/** A release after this one: the same build with a change to its workflow code, guarded as every change must be, and to the tables. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const patchId = 'rest-before-closing';

/** The next release adds it to the table `reports`. */
export const newColumn = 'noted_by_next_release';

/** Returns its command. */
export async function buildNextRelease(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'closeout-test-next-'));
  await cp('dist', join(folder, 'dist'), { recursive: true });
  for (const name of ['node_modules', 'package.json']) await symlink(resolve(name), join(folder, name));
  const change = async (path: string, mark: string, changed: (before: string) => string) => {
    const file = join(folder, 'dist', path);
    const after = changed(await readFile(file, 'utf8'));
    if (after.split(mark).length !== 2) throw new Error(`${path} no longer has the place to be changed`);
    await writeFile(file, after);
  };
  await change('workflows/close-problem-report.js', patchId, (code) =>
    code
      .replace('import { ', 'import { patched, sleep, ')
      .replace('const closed = await attemptOrPark', `if (patched('${patchId}')) await sleep(1);\n    $&`),
  );
  const migration = `{ up: (db) => db.schema.alterTable('reports').addColumn('${newColumn}', 'text').execute() }`;
  await change('outside/database/migrations/index.js', newColumn, (code) =>
    code.replace('export const migrations = {', `$& '9999-next': ${migration},`),
  );
  await promisify(execFile)(process.execPath, [join(folder, 'dist/worker/bundle-workflows.js')]);
  return join(folder, 'dist/cli.js');
}
