import { createServer, type AddressInfo, type Server } from 'node:net';
import { Agent, request, type buildConnector } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseNetworks } from '../domain/addresses.js';
import { refusalOfHost } from './check-target.js';
import { guardedConnector, openGuardedSocket } from './guarded-connector.js';
import { guardedLookup, type ResolveAll } from './guarded-lookup.js';

const NONE = parseNetworks('');
const LOOPBACK = parseNetworks('127.0.0.0/8');
const timeoutMs = 5_000;

const resolvesTo =
  (...addresses: string[]): ResolveAll =>
  (_host, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

/** Notes whom it was asked to connect to, and connects to nobody. */
function fakeConnect() {
  const asked: string[] = [];
  const connect = ((options, callback) => {
    asked.push(options.hostname);
    callback(new Error('not connected'), null);
  }) as buildConnector.connector;
  return { asked, connect };
}

let server: Server;
let port: number;
let connections = 0;
beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 204 No Content\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

describe('every spelling of a private address', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.1',
    '127.0.1',
    '0',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fd00::1]',
    '[fe80::1]',
    '100.64.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '0xa9fea9fe',
    '168.63.129.16',
    '１２７.0.0.1',
    '127。0。0。1',
  ])('http://%s/ is refused before anything is opened', async (spelling) => {
    const { asked, connect } = fakeConnect();
    const dispatcher = new Agent({ connect: guardedConnector({ allowed: NONE, timeoutMs, connect }) });
    await expect(request(`http://${spelling}/`, { dispatcher })).rejects.toThrow('is not a public address');
    expect(asked).toEqual([]);
    await dispatcher.close();
    expect(await refusalOfHost(new URL(`http://${spelling}/`).hostname, NONE)).toContain(
      'is not a public address',
    );
  });
});

describe('a name', () => {
  it.each([
    ['one private address', ['10.0.0.1']],
    ['a private one among public ones', ['8.8.8.8', '127.0.0.1']],
    ['a mapped one', ['::ffff:127.0.0.1']],
    ['metadata', ['169.254.169.254']],
  ])('of %s is refused at its lookup', async (_, addresses) => {
    const before = connections;
    const resolve = resolvesTo(...addresses);
    const dispatcher = new Agent({ connect: guardedConnector({ allowed: NONE, timeoutMs, resolve }) });
    await expect(request(`http://receiver.test:${port}/`, { dispatcher })).rejects.toThrow(
      'is not a public address',
    );
    await dispatcher.close();
    await expect(
      openGuardedSocket({ host: 'receiver.test', port }, { allowed: NONE, timeoutMs, resolve }),
    ).rejects.toThrow('is not a public');
    expect(await refusalOfHost('receiver.test', NONE, resolve)).toContain('is not a public address');
    expect(connections).toBe(before);
  });

  it('of public addresses passes, in both forms of a lookup', async () => {
    const lookup = guardedLookup(NONE, resolvesTo('8.8.8.8', '2606:4700::1111'));
    const all = await new Promise((resolve) =>
      lookup('a.test', { all: true }, (_error, found) => resolve(found)),
    );
    expect(all).toHaveLength(2);
    const one = await new Promise((resolve) => lookup('a.test', {}, (_error, found) => resolve(found)));
    expect(one).toBe('8.8.8.8');
  });

  it('that cannot be resolved is nobody’s fault when a channel is made', async () => {
    const failing: ResolveAll = (_host, _options, callback) =>
      callback(Object.assign(new Error('away'), { code: 'EAI_AGAIN' }), []);
    expect(await refusalOfHost('receiver.test', NONE, failing)).toBeUndefined();
  });
});

describe('whoever was really reached', () => {
  it('is looked at once more: a lookup that lies helps nobody', async () => {
    const { connect: real } = await import('node:net');
    const lying = ((_options, callback) => {
      const socket = real(port, '127.0.0.1', () => callback(null, socket));
    }) as buildConnector.connector;
    const dispatcher = new Agent({ connect: guardedConnector({ allowed: NONE, timeoutMs, connect: lying }) });
    await expect(request('http://receiver.test/', { dispatcher })).rejects.toThrow(
      '127.0.0.1 is not a public address',
    );
    await dispatcher.close();
  });
});

describe('an allowed network', () => {
  it('is reached by address and by name', async () => {
    const resolve = resolvesTo('127.0.0.1');
    const dispatcher = new Agent({ connect: guardedConnector({ allowed: LOOPBACK, timeoutMs, resolve }) });
    expect((await request(`http://127.0.0.1:${port}/`, { dispatcher })).statusCode).toBe(204);
    expect((await request(`http://receiver.test:${port}/`, { dispatcher })).statusCode).toBe(204);
    await dispatcher.close();
    const socket = await openGuardedSocket({ host: '127.0.0.1', port }, { allowed: LOOPBACK, timeoutMs });
    socket.destroy();
  });

  it('opens no other', async () => {
    await expect(
      openGuardedSocket({ host: '10.0.0.1', port }, { allowed: LOOPBACK, timeoutMs }),
    ).rejects.toThrow('is not a public');
  });
});
