import { isSameContact } from '../../../src/outside/reports/row-mapping.js';

test('contacts are compared by what they say, so that reading one again changes nothing', () => {
  const contact = { name: 'Ann', emailAddress: 'ann@customers.example' };
  const read = { ...contact, preferredLanguage: undefined, timeZone: undefined, attributes: undefined };
  expect(isSameContact(contact, read)).toBe(true);
  expect(isSameContact(contact, { ...read, timeZone: 'Europe/Berlin' })).toBe(false);
  expect(isSameContact({ ...contact, attributes: { a: 1, b: 2 } }, { ...read, attributes: { b: 2, a: 1 } })).toBe(true);
  expect(isSameContact(contact, undefined)).toBe(false);
  expect(isSameContact(undefined, undefined)).toBe(true);
});
