import { expect, it } from 'vitest';
import { clusterEntries } from './cluster-entries.js';

it('a Secret object is entries by its prefix and its keys, byte for byte, and says what is no text', () => {
  const base64 = (bytes: string | readonly number[]): string =>
    (typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes)).toString('base64');
  const data = { 'b.txt': base64('two\nlines\n'), A: base64('é'), bin: base64([0xff, 0xfe]), none: '' };
  expect(clusterEntries(data, 'ml.')).toEqual([
    { name: 'ml.A', value: 'é' },
    { name: 'ml.b.txt', value: 'two\nlines\n' },
    { name: 'ml.bin', value: '', why: 'is no UTF-8 text' },
    { name: 'ml.none', value: '' },
  ]);
});
