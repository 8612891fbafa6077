import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { freePort, isFree } from './ports.js';
import { mustRun } from './run.js';

// Below those that are given without a range.
const [FROM, TO] = [14_000, 14_008];
const ports = (count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, () => freePort(FROM, TO)));

it('gives a port to one process only, though nothing listens there yet, and again once that has ended', async () => {
  const ours = await ports(5);
  const program = `
    import { freePort } from '@lineclear/servers';
    const given = [];
    for (let n = 0; n < 3; n += 1) given.push(await freePort(${FROM}, ${TO}));
    console.log(JSON.stringify({ given, more: await freePort(${FROM}, ${TO}).catch(({ message }) => message) }));`;
  const args = ['--input-type=module', '--eval', program];
  const said = await mustRun(process.execPath, args, { env: process.env });
  const { given, more } = JSON.parse(said) as { given: number[]; more: string };
  expect(new Set([...ours, ...given]).size).toBe(8);
  expect(more).toBe('no free port found between 14000 and 14008 on 127.0.0.1');
  expect(new Set(await ports(3))).toEqual(new Set(given));
});

it('gives no port that something listens on', async () => {
  const port = await freePort(14_010, 14_012);
  const server = createServer();
  onTestFinished(() => void server.close());
  const other = port === 14_010 ? 14_011 : 14_010;
  await new Promise<void>((resolve) => server.listen(other, '127.0.0.1', resolve));
  expect([await isFree(port), await isFree(other)]).toEqual([true, false]);
  await expect(freePort(14_010, 14_012)).rejects.toThrow('no free port');
});
