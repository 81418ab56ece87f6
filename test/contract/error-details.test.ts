import { loggedError } from '../../src/contract/error-details.js';
import { CloseoutError } from '../../src/contract/errors.js';

test('of an error of ours, the log has the code and the reason', () => {
  const error = new CloseoutError('SystemUnavailable', 'GET /issues answered 503.');
  expect(loggedError(error)).toEqual({ failure: 'SystemUnavailable', reason: 'GET /issues answered 503.' });
});

test('of any other, it has where it came from, and nothing that may be a customer’s', () => {
  const network = Object.assign(new Error('connect to ann@customers.example'), { code: 'ECONNREFUSED' });
  const cause = new TypeError('fetch failed for ann@customers.example', { cause: network });
  const refused = Object.assign(new Error('Key (email)=(\n    at ann@customers.example) exists', { cause }), {
    name: 'DatabaseError',
    code: '23505',
    constraint: 'contacts_pkey',
    table: 'contacts',
    detail: 'ann@customers.example',
  });
  const logged = loggedError(refused);
  expect(logged).toMatchObject({
    failure: 'Unexpected',
    error: 'DatabaseError',
    code: '23505',
    constraint: 'contacts_pkey',
    table: 'contacts',
    causes: ['TypeError', 'ECONNREFUSED'],
    at: expect.arrayContaining([expect.stringContaining('error-details.test')]) as string[],
  });
  expect(JSON.stringify(logged)).not.toContain('customers.example');
});
