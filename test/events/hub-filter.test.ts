import { hubFilter } from '../../src/tmf621/hub-query.js';

const event = {
  eventType: 'TroubleTicketStatusChangeEvent',
  priority: 'normal',
  description: 'Trouble Ticket Status Change Event',
  event: { troubleTicket: { id: 'P-1', priority: 'High', description: 'No dial tone', relatedParty: [{ id: 'C-1' }] } },
};

test.each([
  ['priority=High', true],
  ['priority=normal', false],
  ['description=No dial tone', true],
  ['event.troubleTicket.relatedParty.id=C-1', true],
  ['relatedParty.id=C-2', false],
  ['eventType=TroubleTicketStatusChangeEvent', true],
  ['event.eventType=TroubleTicketStatusChangeEvent', true],
  ['eventType=TroubleTicketCreateEvent', false],
  ['eventType=TroubleTicketCreateEvent&eventType=TroubleTicketStatusChangeEvent', true],
  ['eventType=TroubleTicketStatusChangeEvent&priority=Low', false],
])('%s: %s', (query, isAccepted) => {
  expect(hubFilter(query).accepts(event)).toBe(isAccepted);
});

test.each([
  ['severity=Major', true],
  ['severity=Major&relatedParty.id=C-1', true],
  ['id=P-1', true],
  ['id=P-2', false],
  ['eventType=TroubleTicketCreateEvent&severity=Major', false],
])('of a ticket that is gone, %s: %s', (query, isAccepted) => {
  const gone = { eventType: 'TroubleTicketDeleteEvent', event: { troubleTicket: { id: 'P-1', href: 'https://…' } } };
  expect(hubFilter(query).accepts(gone)).toBe(isAccepted);
});
