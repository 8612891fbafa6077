import { vi } from 'vitest';

// What is waited for comes, or the test fails: a second, as by default, would be a test of the machine's speed.
const TIMEOUT_MS = 30_000;
const waitFor = vi.waitFor.bind(vi);

vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: TIMEOUT_MS, ...options });
