import { rethrow } from '../../../src/outside/database/database.js';

const said = (code?: string) => Object.assign(new Error('Key (ann@customers.example)'), code ? { code } : {});

function rethrown(error: unknown): unknown {
  try {
    return rethrow(error);
  } catch (thrown) {
    return thrown;
  }
}

test.each([
  '08006',
  '0A000',
  '25006',
  '28P01',
  '3D000',
  '40P01',
  '53300',
  '55P03',
  '57014',
  '57P01',
  '57P03',
  '58030',
  'XX000',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  undefined,
])('%s: the database is lost, and its words are not quoted', (code) => {
  const error = rethrown(said(code)) as Error;
  expect(error).toMatchObject({ code: 'DatabaseUnavailable' });
  expect(error.message).not.toContain('ann@');
});

test.each(['42P01', '42703'])('%s: a migration is missing', (code) => {
  expect(rethrown(said(code))).toMatchObject({ code: 'DatabaseOutdated' });
});

test.each(['21000', '22P02', '23505', '42601', '44000', 'P0001'])('%s: our statement is wrong', (code) => {
  const error = said(code);
  expect(rethrown(error)).toBe(error);
});

test('an error of our own code is not blamed on the database', () => {
  const error = new TypeError('x is not a function');
  expect(rethrown(error)).toBe(error);
});

test.each(['22021', '22P05'])('%s: a text holds a NUL', (code) => {
  expect(rethrown(said(code))).toMatchObject({ code: 'BadInput' });
});
