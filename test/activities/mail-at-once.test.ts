import { AsyncLocalStorage } from 'node:async_hooks';
import type { Activities } from '../../src/activities/index.js';
import { mailAtOnce } from '../../src/activities/mail-at-once.js';

type Send = Activities['sendSurvey'];
type Sent = Awaited<ReturnType<Send>>;

const skipped: Sent = { state: 'skipped', reason: 'disabled' };
const request = { reportId: 'QUEUED-1' } as Parameters<Send>[0];
const waitsForItsTurn = { type: 'MailUnavailable', message: 'The mail waits for its turn.' };

const askConfirmation = () => Promise.reject(new Error('not used'));

/** Mails that are handed over until a test says that they are. */
function relay(places: { sending: number; waiting: number }, isSlow = false) {
  const accept: (() => void)[] = [];
  const sendSurvey: Send = () => new Promise((resolve) => accept.push(() => resolve(skipped)));
  const queued: string[] = [];
  const noteQueued = (reportId: string) => Promise.resolve(void queued.push(reportId));
  const mails = mailAtOnce({ sendSurvey, askConfirmation }, places, () => isSlow, noteQueued);
  return { accept, queued, send: () => mails.sendSurvey(request) };
}

test('a mail waits for its turn, and is sent as soon as another is', async () => {
  const { accept, send } = relay({ sending: 1, waiting: 1 });
  const first = send();
  const second = send();
  expect(accept).toHaveLength(1);
  accept[0]?.();
  expect(await first).toEqual(skipped);
  expect(accept).toHaveLength(2);
  accept[1]?.();
  expect(await second).toEqual(skipped);
});

test('a mail that has waited is sent in its own context, not in that of the mail before it', async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const accept: (() => void)[] = [];
  const sendSurvey: Send = () => {
    seen.push(context.getStore());
    return new Promise((resolve) => accept.push(() => resolve(skipped)));
  };
  const mails = mailAtOnce(
    { sendSurvey, askConfirmation },
    { sending: 1, waiting: 1 },
    () => false,
    () => Promise.resolve(),
  );
  const [first, second] = ['first', 'second'].map((name) => context.run(name, () => mails.sendSurvey(request)));
  accept[0]?.();
  await first;
  accept[1]?.();
  await second;
  expect(seen).toEqual(['first', 'second']);
});

test('a mail fails at once if too many wait, and after a moment if its turn does not come', async () => {
  const { accept, queued, send } = relay({ sending: 1, waiting: 1 });
  const first = send();
  const second = send();
  await expect(send()).rejects.toMatchObject(waitsForItsTurn);
  await expect(second).rejects.toMatchObject(waitsForItsTurn);
  expect(queued).toEqual(['QUEUED-1', 'QUEUED-1']);
  accept[0]?.();
  expect(await first).toEqual(skipped);
  const next = send();
  accept[1]?.();
  expect(await next).toEqual(skipped);
  expect(accept).toHaveLength(2); // the one that waited too long is not sent here, too
});

test('a mail fails at once while the relay is slow', async () => {
  const { accept, queued, send } = relay({ sending: 1, waiting: 1 }, true);
  await expect(send()).rejects.toMatchObject(waitsForItsTurn);
  expect(queued).toEqual(['QUEUED-1']);
  expect(accept).toHaveLength(0);
});
