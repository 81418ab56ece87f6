import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Http, runInContext } from '../../src/systems/http.js';
import { titleWith } from '../../src/systems/title.js';

let server: Server;
let answer: RequestListener;
const done: string[] = [];
let http: Http;
beforeAll(async () => {
  server = createServer((request, response) => {
    done.push(request.method ?? '');
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  http = new Http({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pace: {
      next: () => {
        done.push('turn');
        return Promise.resolve(1);
      },
      holdOff: (length) => {
        done.push(`hold off for ${Math.round(length / 1000)} s`);
        return Promise.resolve();
      },
    },
    headers: () => ({}),
    forgetLogin: () => undefined,
  });
});
beforeEach(() => done.splice(0));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('whether a change is still wanted is asked before each request that makes it, after its turn has come', async () => {
  answer = (_, response) => response.writeHead(done.filter((what) => what === 'PUT').length === 1 ? 401 : 200).end();
  const beforeWrite = () => Promise.resolve(done.push('asked'));
  await runInContext({ beforeWrite }, async () => {
    await http.send('PUT', '/', {});
    await http.get('/');
  });
  expect(done).toEqual(['turn', 'asked', 'PUT', 'turn', 'asked', 'PUT', 'turn', 'GET']);
});

test.each([
  [429, undefined, 60],
  [429, '5', 5],
  [503, '7200', 600],
  [503, () => new Date(Date.now() + 90_000).toUTCString(), 90],
])('%s with Retry-After %s is a pause of all requests', async (status, given, seconds) => {
  const retryAfter = typeof given === 'function' ? given() : given;
  answer = (_, response) => response.writeHead(status, retryAfter ? { 'retry-after': retryAfter } : {}).end();
  const error: unknown = await http.get('/').catch((refused: unknown) => refused);
  expect(error).toMatchObject({ code: 'SystemUnavailable' });
  const length = Number(/hold off for (\d+) s/.exec(done.join())?.[1]);
  expect(Math.abs(length - seconds)).toBeLessThanOrEqual(2);
});

test('reading an endless response is aborted', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => response.write(Buffer.alloc(2 ** 20, 32)) || response.once('drain', more);
    response.on('drain', more);
    more();
  };
  await expect(http.get('/')).rejects.toMatchObject({
    code: 'SystemUnavailable',
    message: expect.stringContaining('32 MiB') as string,
  });
});

test.each([
  ['short', 'Line down', 30, 'Line down [R-1]'],
  ['too long', 'Line down for everybody', 20, 'Line down for [R-1]'],
  ['cut in the middle of a character', 'Line 📞📞', 14, 'Line 📞 [R-1]'],
])('a title that is %s keeps its reference', (_, name, limit, title) => {
  expect(titleWith(name, 'R-1', limit)).toBe(title);
});
