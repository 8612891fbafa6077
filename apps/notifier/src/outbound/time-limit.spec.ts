import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { timeLimit } from './time-limit.js';

describe('a time limit', () => {
  it('ends with what it follows, for the same reason', () => {
    const stop = new AbortController();
    const { signal, end } = timeLimit(stop.signal, 60_000);
    expect(signal.aborted).toBe(false);
    stop.abort('enough');
    expect(signal).toMatchObject({ aborted: true, reason: 'enough' });
    end();
  });

  it('is over at once where that has ended already', () => {
    const { signal, end } = timeLimit(AbortSignal.abort('before'), 60_000);
    expect(signal).toMatchObject({ aborted: true, reason: 'before' });
    end();
  });

  it('ends by itself when the time is over', async () => {
    const { signal, end } = timeLimit(new AbortController().signal, 1);
    await once(signal, 'abort');
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
    end();
  });

  it('follows nothing any more once it is not needed', () => {
    const stop = new AbortController();
    const { signal, end } = timeLimit(stop.signal, 60_000);
    end();
    stop.abort();
    expect(signal.aborted).toBe(false);
  });
});
