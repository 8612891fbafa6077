import { expect, it } from 'vitest';
import { faultOf, reasonIn } from './vault-answer.js';

it.each([
  [400, 'invalid'],
  [401, 'denied'],
  [403, 'denied'],
  [404, 'not found'],
  [405, 'invalid'],
  [429, 'rate limited'],
  [500, 'failing'],
  [502, 'failing'],
  [503, 'sealed'],
  [307, 'unreadable'],
])('takes %i for %s', (status, fault) => expect(faultOf(status)).toBe(fault));

it.each([
  ['{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}', 'permission denied'],
  ['{"errors":["Vault is sealed"]}', 'the server is sealed'],
  ['{"errors":["invalid role or secret ID"]}', 'the role or secret id is not accepted'],
  ['{"errors":["invalid role name \\"x\\""]}', 'the role or secret id is not accepted'],
  ['{"errors":["cipher: message authentication failed"]}', 'the ciphertext does not open'],
  ['{"errors":["invalid ciphertext: unable to decrypt"]}', 'the ciphertext does not open'],
  ['{"errors":["encryption key not found"]}', 'there is no such transit key'],
  ['{"errors":["no handler for route \\"a/b\\". route entry not found."]}', 'nothing is mounted there'],
  ['{"errors":["lease not found"]}', 'the lease is not there or cannot be renewed'],
  ['hvs.CAESIJ is not known here', undefined],
  ['', undefined],
])('knows the reason in %j: %s', (text, reason) => expect(reasonIn(text)).toBe(reason));
