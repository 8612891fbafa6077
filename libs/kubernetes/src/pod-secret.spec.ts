import { deliver, formatNamed, Hidden } from '@lineclear/credentials';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forPod, writeOf, type PodOptions } from './pod-secret.js';

const WHERE: PodOptions = { name: 'aws-main', namespace: 'training', owner: 'user-7', provider: 'aws' };
const AWS = { access_key: 'AKIAIOSFODNN7EXAMPLE', secret_key: 'wJalrXUtnFEMI/K7MDENG' };
const decoded = (data: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
const pod = (format: string, values: Record<string, string>, where = WHERE) =>
  forPod(deliver(formatNamed(format)!, values, { home: '/root' }), where);

describe('a credential in a pod', () => {
  it('comes as variables by reference and as files at their paths, which their owner alone may read', () => {
    const { secret, env, volumes, volumeMounts } = pod('aws', AWS);
    const object = secret.reveal();
    expect(object).toMatchObject({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' });
    expect(object.metadata).toMatchObject({
      name: 'lc-user-7-aws-main',
      namespace: 'training',
      labels: {
        'app.kubernetes.io/managed-by': 'lineclear',
        'lineclear.dev/secret': 'aws-main',
        'lineclear.dev/owner': 'user-7',
        'lineclear.dev/provider': 'aws',
      },
    });
    const held = decoded(object.data);
    expect(held['AWS_ACCESS_KEY_ID']).toBe(AWS.access_key);
    expect(held['file-0']).toContain(`aws_secret_access_key = ${AWS.secret_key}`);
    expect(env).toContainEqual({
      name: 'AWS_SECRET_ACCESS_KEY',
      valueFrom: { secretKeyRef: { name: 'lc-user-7-aws-main', key: 'AWS_SECRET_ACCESS_KEY' } },
    });
    expect(volumes[0]!.secret).toMatchObject({
      secretName: 'lc-user-7-aws-main',
      defaultMode: 0o400,
      items: [{ key: 'file-0', path: 'credentials', mode: 0o400 }],
    });
    expect(volumeMounts).toEqual([
      { name: volumes[0]!.name, mountPath: '/root/.aws/credentials', subPath: 'credentials', readOnly: true },
    ]);
  });

  it('as a key for ssh hides nothing that is beside it', () => {
    const { volumeMounts } = pod('ssh', {
      private_key: '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
    });
    expect(volumeMounts.every(({ mountPath, subPath }) => mountPath.endsWith(`/.ssh/${subPath}`))).toBe(true);
  });

  it('as a variable alone mounts nothing', () => {
    const { env, volumes, volumeMounts } = pod('huggingface', { token: 'hf_x' });
    expect(env.map(({ name }) => name)).toEqual(['HF_TOKEN']);
    expect([volumes, volumeMounts]).toEqual([[], []]);
  });

  it('does not print', () => {
    expect(JSON.stringify(pod('aws', AWS))).not.toContain(Buffer.from(AWS.secret_key).toString('base64'));
  });

  it('of more than Kubernetes takes is refused by its name', () => {
    const big = { env: new Hidden({ BIG: 'x'.repeat(1_048_577) }), files: [] };
    expect(() => forPod(big, WHERE)).toThrow(/aws-main: has 1048577 bytes/);
  });
});

it('gives every name of every owner an object of its own, with a name that Kubernetes takes', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'A', '-', '_', '.', '9', 'é'),
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(text, text, (one, other) => {
      const nameOf = (name: string): string =>
        forPod({ env: new Hidden({}), files: [] }, { ...WHERE, name }).secret.reveal().metadata.name;
      expect(nameOf(one)).toMatch(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
      expect(nameOf(one) === nameOf(other)).toBe(one === other);
    }),
  );
});

it('writes labels that Kubernetes takes, whatever the name is', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (name) => {
      const { labels } = forPod({ env: new Hidden({}), files: [] }, { ...WHERE, name }).secret.reveal()
        .metadata;
      expect(labels['lineclear.dev/secret']).toMatch(/^$|^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/);
    }),
  );
});

it('keeps files of one name apart in the volume', () => {
  const file = (path: string) => ({ path, mode: 0o600, content: new Hidden(path) });
  const { volumes, volumeMounts } = forPod(
    { env: new Hidden({}), files: [file('/root/.kube/config'), file('/root/.aws/config')] },
    WHERE,
  );
  expect(new Set(volumes[0]!.secret.items.map(({ path }) => path)).size).toBe(2);
  expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/root/.kube/config', '/root/.aws/config']);
});

describe('an object that is there already', () => {
  const wanted = pod('huggingface', { token: 'hf_new' }).secret.reveal();
  const ours = { 'app.kubernetes.io/managed-by': 'lineclear' };
  it.each([
    ['is not: it is made', undefined, false, 'create'],
    ['holds the same: it is left', { data: wanted.data, labels: ours }, false, 'unchanged'],
    ['holds something else: it is kept', { data: {}, labels: ours }, false, 'kept'],
    ['holds something else and may be replaced', { data: {}, labels: ours }, true, 'replace'],
    ['is not ours: it is never replaced', { data: {}, labels: {} }, true, 'not ours'],
  ] as const)('%s', (_, existing, override, write) =>
    expect(writeOf(existing, wanted, { override })).toBe(write),
  );
});
