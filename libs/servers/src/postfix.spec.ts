import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startPostfix } from './postfix.js';
import { probeSmtp } from './probes.js';
import type { Server } from './server.js';
import { isRoot, makeScratchFolder } from './unprivileged.js';

const base = makeScratchFolder('postfix-server-test');
const options = { dir: join(base, 'one'), domain: 'lineclear.test', lmtpSocket: join(base, 'lmtp') };
let server: Server<'postfix'> | undefined;
afterAll(async () => {
  await server?.stop();
  rmSync(base, { recursive: true, force: true });
});

it('takes mail, and does again after a stop; or says that it takes root', async () => {
  if (!isRoot()) {
    await expect(startPostfix(options)).rejects.toThrow('It takes root');
    return;
  }
  server = await startPostfix(options);
  await probeSmtp(server.port);
  await server.stop();
  await expect(probeSmtp(server.port)).rejects.toThrow();
  await server.start();
  await probeSmtp(server.port);
});
