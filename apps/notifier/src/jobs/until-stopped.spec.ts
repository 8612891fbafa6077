import { expect, it } from 'vitest';
import { untilStopped } from './until-stopped.js';

const never = new Promise<never>(() => undefined);

it('waits for the work and hears what it throws', async () => {
  const { signal } = new AbortController();
  await expect(untilStopped(Promise.resolve(1), signal)).resolves.toBeUndefined();
  await expect(untilStopped(Promise.reject(new Error('no Redis')), signal)).rejects.toThrow('no Redis');
});

it.each(['before it', 'after it'])('waits no longer than until a stop that comes %s', async (when) => {
  const stop = new AbortController();
  if (when === 'before it') stop.abort();
  const waiting = untilStopped(never, stop.signal);
  stop.abort();
  await expect(waiting).resolves.toBeUndefined();
});
