import { linkKeysFrom } from '../../src/setup/link-keys.js';
import { payloadKeysFrom } from '../../src/setup/payload-keys.js';
import { trustedProxies } from '../../src/setup/trusted-proxies.js';

const key = Buffer.alloc(32, 1).toString('base64');

test.each([
  ['CLOSEOUT_LINK_KEYS', linkKeysFrom],
  ['CLOSEOUT_PAYLOAD_KEYS', payloadKeysFrom],
])('two keys of %s must not have one id: one of them would never be used', (setting, parse) => {
  expect(() => parse(`k1:${key},k1:${key}`)).toThrow(`${setting} has two keys with the same id`);
  expect(() => parse(`k2:${key},k1:${key}`)).not.toThrow();
});

test('trusted proxies are addresses and networks', () => {
  expect(trustedProxies.parse(' 10.0.0.0/8, fd00::/8,127.0.0.1 ,loopback')).toEqual([
    '10.0.0.0/8',
    'fd00::/8',
    '127.0.0.1',
    'loopback',
  ]);
  expect(trustedProxies.parse(undefined)).toEqual([]);
  for (const wrong of ['10.0.0.0/33', 'proxy.example', '10.0.0.0/8/8'])
    expect(trustedProxies.safeParse(wrong).error?.issues[0]?.message).toMatch(/must be IP addresses or networks/);
});
