import { expect, it } from 'vitest';
import { partsOf } from './parts-of.js';

const KEY = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ';

it.each([
  ['a value is itself', '123456', ['123456']],
  ['a short one is nothing', '12345', []],
  ['nor is an empty one', '', []],
  ['a value with space around it is also what is within', ' 123456\n', [' 123456\n', '123456']],
  ['which may be too short by itself', ' 12345 ', [' 12345 ']],
  [
    'a file is also its long words',
    `--BEGIN--\n${KEY}\nshort\n`,
    [`--BEGIN--\n${KEY}\nshort\n`, `--BEGIN--\n${KEY}\nshort`, KEY],
  ],
  [
    'in JSON, too',
    `{\n"key": "--BEGIN--\\n${KEY}\\n"}`,
    [`{\n"key": "--BEGIN--\\n${KEY}\\n"}`, KEY, `--BEGIN--\\n${KEY}\\n`],
  ],
  [
    'and the rest of one that is broken over lines',
    `a: b\n${KEY}\ncHQ3/w==\n--END--\nkind: Config`,
    [`a: b\n${KEY}\ncHQ3/w==\n--END--\nkind: Config`, KEY, 'cHQ3/w=='],
  ],
  [
    'and what its lines call a secret',
    `[default]\nregion = eu-central-1\nauth_key = hunter22\n"dbPassword": "s3cr3t!"\ntoken:`,
    [
      `[default]\nregion = eu-central-1\nauth_key = hunter22\n"dbPassword": "s3cr3t!"\ntoken:`,
      'hunter22',
      's3cr3t!',
    ],
  ],
  [
    'without any it is its lines',
    'first one\r\n  second \nend',
    ['first one\r\n  second \nend', 'first one', 'second'],
  ],
])('%s', (_, value, parts) => {
  expect(partsOf(value)).toEqual(parts);
});
