import { formatNamed } from '@lineclear/credentials';
import { describe, expect, it } from 'vitest';
import { jobSecrets, type JobSecret } from './job-secrets.js';
import { secretNames } from './secret-names.js';

describe('a stored credential for a job', () => {
  it.each<[string, string | undefined, JobSecret[]]>([
    ['huggingface', undefined, ['HF_TOKEN']],
    [
      'aws',
      'prod',
      [
        { name: 'aws.prod.access_key', env: 'AWS_ACCESS_KEY_ID' },
        { name: 'aws.prod.secret_key', env: 'AWS_SECRET_ACCESS_KEY' },
      ],
    ],
    [
      'gcp',
      undefined,
      [
        {
          name: 'gcp.credentials_json',
          file: '~/.config/gcloud/application_default_credentials.json',
          env: 'GOOGLE_APPLICATION_CREDENTIALS',
        },
      ],
    ],
    ['kubeconfig', undefined, [{ name: 'kubeconfig.kubeconfig', file: '~/.kube/config', env: 'KUBECONFIG' }]],
    ['ssh', 'id_ed25519', [{ name: 'ssh.id_ed25519.private_key', file: '~/.ssh/id_ed25519' }]],
  ])('of %s, profile %s, is where its tools look for it', (name, profile, entries) => {
    const stored = new Set(entries.map((entry) => (typeof entry === 'string' ? entry : entry.name)));
    expect(jobSecrets(formatNamed(name)!, profile, stored)).toEqual({ entries, left: [] });
  });

  it('names what is a part of a file, which no job is given', () => {
    const format = formatNamed('netrc')!;
    const stored = new Set(Object.values(secretNames(format, 'host.test')));
    expect(jobSecrets(format, 'host.test', stored)).toEqual({ entries: [], left: ['login', 'password'] });
  });
});
