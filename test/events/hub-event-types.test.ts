import { hubEventTypes } from '../../src/events/bodies.js';

test.each([
  ['report.changed', { status: 'inProgress', isMoved: true }, ['StatusChange']],
  ['report.changed', { status: 'pending', isMoved: true }, ['StatusChange', 'InformationRequired']],
  ['report.changed', { status: 'pending', isMoved: false }, ['AttributeValueChange']],
  ['report.reopened', { status: 'pending' }, ['StatusChange', 'InformationRequired']],
  ['report.reopened', { status: 'inProgress' }, ['StatusChange']],
  ['report.cleared', { status: 'resolved' }, ['StatusChange', 'Resolved']],
  ['survey.sent', {}, []],
])('%s with %j', (type, data, expected) => {
  expect(hubEventTypes({ type, data })).toEqual(expected.map((name) => `TroubleTicket${name}Event`));
});
