import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { isPrivate, post } from '../../src/events/post.js';
import { ScriptedHttpServer } from '../stack/scripted-http-server.js';

const nowhere = { allowPrivate: false, allowLoopback: false };

test.each([
  ['127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.31.0.1', true],
  ['192.168.1.1', true],
  ['169.254.169.254', true],
  ['100.64.0.1', true],
  ['0.0.0.0', true],
  ['::1', true],
  ['::', true],
  ['fd00::1', true],
  ['fe80::1', true],
  ['::ffff:10.0.0.1', true],
  ['::ffff:127.0.0.1', true],
  ['64:ff9b::a00:1', true],
  ['8.8.8.8', false],
  ['172.32.0.1', false],
  ['2606:4700::1111', false],
])('%s is private: %s', (address, expected) => expect(isPrivate(address)).toBe(expected));

describe('an address on this machine', () => {
  const server = new ScriptedHttpServer();
  let url: string;
  beforeAll(async () => {
    url = await server.listen();
  });
  afterAll(() => server.close());

  test.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])(
    'is not reached as %s',
    async (host) => {
      const target = url.replace('127.0.0.1', host);
      await expect(post(target, '{}', {}, nowhere)).rejects.toThrow('has a private address, which is not allowed');
      expect(server.seen).toEqual([]);
    },
  );

  test('is reached if that is allowed', async () => {
    expect(
      await post(`${url}/a`, '{"é":1}', { 'content-type': 'application/json' }, { ...nowhere, allowLoopback: true }),
    ).toBe(200);
    expect(server.seen[0]).toMatchObject({ method: 'POST', path: '/a', body: '{"é":1}' });
  });
});

test('a connection that becomes something else is an error', async () => {
  const server = createServer((socket) =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    ),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const posted = post(`http://127.0.0.1:${port}/`, '{}', {}, { ...nowhere, allowPrivate: true });
  await expect(posted).rejects.toThrow('closed without an answer');
  server.close();
});

test('nobody there is an error', async () => {
  await expect(post('http://127.0.0.1:1/', '{}', {}, { ...nowhere, allowPrivate: true })).rejects.toThrow(
    'ECONNREFUSED',
  );
});
