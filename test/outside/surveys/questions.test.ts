import { openDatabase, type Db } from '../../../src/outside/database/database.js';
import { questionTable } from '../../../src/outside/surveys/questions.js';
import { questionNamed } from '../../../src/policy/questions.js';
import { loadConfig } from '../../../src/setup/config.js';
import { Stack } from '../../stack/stack.js';
import { until } from '../../stack/waiting.js';

let stack: Stack;
let db: Db;
beforeAll(async () => {
  stack = await Stack.start();
  db = openDatabase(loadConfig({ ...stack.env }).databaseUrl, () => undefined);
});
afterAll(async () => {
  await db.destroy();
  await stack.end();
});

test('a question that is gone, as after a restore, is stored again, although its id was known', async () => {
  const questions = questionTable(db);
  const thumbs = questionNamed('thumbs', undefined);
  const id = await questions.idOf(thumbs);
  expect(await questions.idOf(thumbs)).toBe(id);
  await stack.sql('delete from questions where id = $1', [id]);
  await until('a new id', async () => (await questions.idOf(thumbs)) !== id);
  expect(await questions.of(await questions.idOf(thumbs))).toMatchObject({ name: 'thumbs', version: 1 });
});
