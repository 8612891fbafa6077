import { expect, it } from 'vitest';
import { table } from './table.js';

it('aligns its columns', () => {
  const rows = [
    { what: 'redis', where: '127.0.0.1:20000', how: 'yours', readyAfterMs: undefined },
    { what: 'queue-scheduler', where: '127.0.0.1:1', how: 'process 7', readyAfterMs: 1_234 },
  ];
  expect(table(rows)).toBe(
    [
      '  what             where              ready  how',
      '  redis            127.0.0.1:20000        -  yours',
      '  queue-scheduler  127.0.0.1:1      1234 ms  process 7',
    ].join('\n'),
  );
});
