import { claimIn } from '../../src/setup/oidc-settings.js';

/** As Keycloak sends them, and providers whose claims are addresses. */
const claims = { roles: ['viewer'], realm_access: { roles: ['operator'] }, 'https://noc.example/roles': ['admin'] };

test.each([
  ['roles', ['viewer']],
  ['realm_access.roles', ['operator']],
  ['https://noc.example/roles', ['admin']],
  ['realm_access.groups', undefined],
  ['groups', undefined],
  ['constructor.name', undefined],
])('the claim %s', (claim, value) => {
  expect(claimIn(claims, claim)).toEqual(value);
});
