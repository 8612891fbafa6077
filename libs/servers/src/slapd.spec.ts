import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { probeSlapd } from './probes.js';
import { startSlapd, type Slapd } from './slapd.js';
import { makeScratchFolder } from './unprivileged.js';

const base = makeScratchFolder('slapd-test');
const opened: Slapd[] = [];
const open = async (...args: Parameters<typeof startSlapd>): Promise<Slapd> => {
  const server = await startSlapd(...args);
  opened.push(server);
  return server;
};
afterAll(async () => {
  await Promise.all(opened.map((server) => server.stop()));
  rmSync(base, { recursive: true, force: true });
});

it('starts, lets its root in and nobody else, and comes back on the same port after a stop and a kill', async () => {
  const server = await open({ dir: join(base, 'one'), suffix: 'dc=example,dc=org', durable: false });
  const { root, port, url } = server;
  expect(url).toBe(`ldap://127.0.0.1:${port}`);
  await probeSlapd(port, { ...root, ldaps: false });
  await expect(probeSlapd(port, { ...root, password: 'another', ldaps: false })).rejects.toThrow('code 49');
  const before = server.pid;
  await server.kill();
  expect(server.pid).toBe(0);
  await server.start();
  expect([server.port, server.pid === before]).toEqual([port, false]);
  await server.stop();
  await expect(probeSlapd(port, { ...root, ldaps: false })).rejects.toThrow();
  await server.start();
  await probeSlapd(port, { ...root, ldaps: false });
});

it('says what is wrong with its settings', async () => {
  const dir = join(base, 'bad');
  const settings = { global: ['no-such-setting yes'] };
  await expect(startSlapd({ dir, suffix: 'dc=example,dc=org', durable: false, settings })).rejects.toThrow(
    /did not start/,
  );
});
