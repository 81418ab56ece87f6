import { hashAddress } from '../../../src/outside/surveys/do-not-contact.js';

test('one address has one hash per key, however it is written', () => {
  const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  expect(hashAddress(' Ann@Customers.Example ', key)).toBe(hashAddress('ann@customers.example', key));
  expect(hashAddress('ann@customers.example', key)).not.toBe(hashAddress('ann@customers.example', other));
  expect(hashAddress('ann@customers.example', key)).not.toContain('ann');
  expect(hashAddress('ann@mu\u0308nchen.example', key)).toBe(hashAddress('ann@xn--mnchen-3ya.example', key));
});
