import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pythonWithModule } from '@lineclear/servers';
import { startFakeVault } from '@lineclear/testkit';
import { expect, it, onTestFinished } from 'vitest';

const SCRIPT = fileURLToPath(new URL('vault_client.py', import.meta.url));

it('the fake Vault is understood by a client that others wrote for the real one', async () => {
  const fake = await startFakeVault({ nowMs: () => Date.parse('2026-03-01T00:00:00Z') });
  onTestFinished(() => fake.close());
  fake.mountKv('secret', 2);
  fake.mountKv('secret', 2, 'team/ml');
  fake.mountKv('kv', 1);
  fake.addDynamic('database/creds/reader', { ttlSeconds: 60 });
  fake.addKubernetesRole('lineclear', 'a.service.account', { ttlSeconds: 60 });
  fake.addAppRole('role', 'secret', { ttlSeconds: 60 });
  fake.mountTransit('transit', { lineclear: {} });
  const { file, env } = await pythonWithModule('hvac', 'python3-hvac');
  const { stdout } = await promisify(execFile)(file, ['-W', 'ignore', SCRIPT, fake.url, fake.rootToken], {
    env,
  });
  expect(stdout.trim()).toBe('all as it should be');
}, 120_000);
