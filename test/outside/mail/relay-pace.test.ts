import { relayPace } from '../../../src/outside/mail/relay-pace.js';

test('a relay is slow while a mail takes long, and until one is fast', async () => {
  let now = 0;
  const pace = relayPace(() => now);
  const accepts: (() => void)[] = [];
  const mail = () => pace.measure(() => new Promise<void>((accept) => accepts.push(accept)));
  const [long, fast] = [mail(), mail()];
  now += 1000;
  accepts[1]?.();
  await fast;
  expect(pace.isSlow()).toBe(false);
  now += 2000;
  expect(pace.isSlow()).toBe(true);
  accepts[0]?.();
  await long;
  expect(pace.isSlow()).toBe(true);
  const next = mail();
  accepts[2]?.();
  await next;
  expect(pace.isSlow()).toBe(false);
});

test('a mail that the relay refuses is measured, too', async () => {
  let now = 0;
  const pace = relayPace(() => now);
  const refused = pace.measure(() => {
    now += 3000;
    return Promise.reject(new Error('refused'));
  });
  await expect(refused).rejects.toThrow('refused');
  expect(pace.isSlow()).toBe(true);
});
