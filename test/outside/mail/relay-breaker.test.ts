import { RelayDown, relayBreaker, type AskRelay } from '../../../src/outside/mail/relay-breaker.js';
import { minute, second } from '../../../src/policy/time.js';

let time = 0;
let asked = 0;
const breaker = () => {
  [time, asked] = [0, 0];
  return relayBreaker(() => time);
};

const unreachable = () => {
  asked++;
  return Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNECTION' }));
};
const refused = () => {
  asked++;
  return Promise.reject(Object.assign(new Error('no such user'), { responseCode: 550 }));
};
const taken = () => {
  asked++;
  return Promise.resolve();
};

async function goDown(send: AskRelay): Promise<void> {
  for (let n = 0; n < 2; n++) await expect(send(unreachable)).rejects.toThrow('refused');
  await expect(send(unreachable)).rejects.toThrow(RelayDown);
}

test('after three failures in a row, the relay is asked by one mail now and then', async () => {
  const send = breaker();
  await goDown(send);
  for (const pause of [5 * second, 10 * second, 20 * second, 40 * second, minute, minute]) {
    time += pause - 1;
    await expect(send(taken)).rejects.toThrow(RelayDown);
    time += 1;
    const trial = send(unreachable);
    await expect(send(taken)).rejects.toThrow(RelayDown); // while the other one asks
    await expect(trial).rejects.toThrow(RelayDown);
  }
  expect(asked).toBe(3 + 6);
  time += minute;
  await send(taken);
  await send(taken);
  expect(asked).toBe(3 + 6 + 2);
});

test('a mail that we stop ourselves says nothing about the relay', async () => {
  const send = breaker();
  await goDown(send);
  time += 5 * second;
  const stopped = () => Promise.reject(Object.assign(new Error('stopped'), { code: 'EABORT' }));
  await expect(send(stopped)).rejects.toThrow('stopped');
  await expect(send(unreachable)).rejects.toThrow(RelayDown); // the next one asks
  await expect(send(taken)).rejects.toThrow(RelayDown);
  expect(asked).toBe(3 + 1);
});

test('a relay that says no to a mail is not down', async () => {
  const send = breaker();
  for (let n = 0; n < 2; n++) await expect(send(unreachable)).rejects.toThrow('refused');
  await expect(send(refused)).rejects.toThrow('no such user');
  await expect(send(unreachable)).rejects.toThrow('refused');
  expect(asked).toBe(4);
});

test('the longer the relay is down, the longer a mail waits', async () => {
  const send = breaker();
  await goDown(send);
  const retryAfter = async () => {
    const error: unknown = await send(taken).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ cause: { code: 'ECONNECTION' } });
    return (error as RelayDown).retryAfter;
  };
  const first = await retryAfter();
  expect(first).toBeGreaterThanOrEqual(10 * second);
  expect(first).toBeLessThanOrEqual(12.5 * second);
  time += 10 * minute;
  await expect(send(unreachable)).rejects.toThrow(RelayDown);
  const later = await retryAfter();
  expect(later).toBeGreaterThanOrEqual(10 * minute);
  expect(later).toBeLessThanOrEqual(12.5 * minute);
});

test('a clock that is set back does not keep a relay down', async () => {
  const real = relayBreaker();
  await goDown(real);
  const [wallClock, uptime] = [Date.now(), performance.now()];
  const spies = [
    jest.spyOn(Date, 'now').mockReturnValue(wallClock - 60 * minute),
    jest.spyOn(performance, 'now').mockReturnValue(uptime + 5 * second),
  ];
  await real(taken);
  for (const spy of spies) spy.mockRestore();
});
