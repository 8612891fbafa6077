import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { findKubectl } from '@lineclear/servers';
import { startFakeKubernetes, type FakeKubernetes } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let cluster: FakeKubernetes;
let home: string;
let token = '';
let kubectl: (args: readonly string[], input?: object) => Promise<Ran>;
const manifest = (more: object): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'made-by-kubectl', labels: { team: 'ml' } },
  ...more,
});

beforeAll(async () => {
  cluster = await startFakeKubernetes();
  cluster.addNamespace('training');
  home = await mkdtemp(join(tmpdir(), 'lineclear-kubectl-'));
  const { file, env } = await findKubectl();
  kubectl = (args, input) =>
    new Promise((resolve) => {
      const child = execFile(
        file,
        [...args],
        { env: { ...env, HOME: home, PATH: '/usr/bin:/bin', KUBECONFIG: join(home, 'config') } },
        (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
      child.stdin?.end(input === undefined ? '' : JSON.stringify(input));
    });
  await writeFile(join(home, 'config'), cluster.kubeconfig({ namespace: 'training' }));
}, 240_000);
afterAll(async () => {
  await cluster.close();
  await rm(home, { recursive: true, force: true });
});

const done = (stdout: string): Ran => ({ code: 0, stdout, stderr: '' });
const held = async (): Promise<Record<string, string>> => {
  const { stdout } = await kubectl(['get', 'secret', 'made-by-kubectl', '-o', 'json']);
  const { data } = JSON.parse(stdout) as { data: Record<string, string> };
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
};

it('the fake cluster is one to kubectl', { timeout: 120_000 }, async () => {
  const create = ['create', '--validate=false', '-f', '-'];
  expect(await kubectl(create, manifest({ stringData: { A: 'one' } }))).toEqual(
    done('secret/made-by-kubectl created\n'),
  );
  expect(await kubectl(create, manifest({ stringData: { A: 'two' } }))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('(AlreadyExists)'),
  });
  expect(await held()).toEqual({ A: 'one' });
  expect(await kubectl(['label', 'secret', 'made-by-kubectl', 'stage=test'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^secret\/made-by-kubectl labeled/),
  });
  const named = ['get', 'secrets', '-o', 'name', '-l'];
  expect(await kubectl([...named, 'team=ml,stage in (test)'])).toEqual(done('secret/made-by-kubectl\n'));
  expect((await kubectl([...named, 'stage!=test'])).stdout).toBe('');
  expect((await kubectl(['get', 'secrets', '-A'])).stdout).toMatch(/training +made-by-kubectl/);
  const patch = ['patch', 'secret', 'made-by-kubectl', '-p', '{"stringData": {"B": "added"}}'];
  expect(await kubectl(patch)).toEqual(done('secret/made-by-kubectl patched\n'));
  expect(await held()).toEqual({ A: 'one', B: 'added' });
  expect(await kubectl(['delete', 'secret', 'made-by-kubectl'])).toMatchObject({ code: 0 });
  expect(await kubectl(['get', 'secret', 'made-by-kubectl'])).toMatchObject({
    code: 1,
    stderr: 'Error from server (NotFound): secrets "made-by-kubectl" not found\n',
  });
});

it('the fake cluster applies what kubectl applies, and takes out again what is no longer in it', async () => {
  const apply = ['apply', '--validate=false', '-f', '-'];
  const body = (texts: Readonly<Record<string, string>>): object =>
    manifest({
      data: Object.fromEntries(
        Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      ),
    });
  expect(await kubectl(apply, body({ A: 'one', B: 'two' }))).toMatchObject(
    done('secret/made-by-kubectl created\n'),
  );
  expect(await kubectl(apply, body({ A: 'one', B: 'two' }))).toEqual(
    done('secret/made-by-kubectl unchanged\n'),
  );
  expect(await kubectl(apply, body({ A: 'new' }))).toEqual(done('secret/made-by-kubectl configured\n'));
  expect(await held()).toEqual({ A: 'new' });
});

it.each([
  ['an expired token', () => cluster.expireToken(token), /\(Unauthorized\)|must be logged in/],
  ['a namespace that is not its own', () => undefined, /\(Forbidden\)/],
])('the fake cluster refuses kubectl %s', async (_, act, said) => {
  token = cluster.issueToken(['elsewhere']);
  act();
  await writeFile(join(home, 'other'), cluster.kubeconfig({ token, namespace: 'training' }));
  const ran = await kubectl(['get', 'secrets', '--kubeconfig', join(home, 'other')]);
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(said) });
});

// Newer ones send `create secret` itself as protobuf, which the fake does not read.
it('the fake cluster takes what kubectl create secret makes, as JSON', async () => {
  const dry = ['create', 'secret', 'generic', 'made', '--from-literal=A=b', '--dry-run=client', '-o', 'json'];
  const { stdout } = await kubectl(dry);
  const made = await kubectl(['create', '--validate=false', '-f', '-'], JSON.parse(stdout) as object);
  expect(made).toEqual(done('secret/made created\n'));
  expect(cluster.secrets.get('training', 'made').data).toEqual({ A: 'Yg==' });
});

it("the fake cluster is one to Kubernetes' client for JavaScript", async () => {
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  const api = config.makeApiClient(CoreV1Api);
  const at = { namespace: 'training', name: 'made-by-js' };
  const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'done',
      (error: unknown) => error instanceof ApiException && error.code,
    );
  const metadata = { name: at.name, labels: { by: 'js' } };
  const body = { metadata, stringData: { A: 'b' } };
  // It says neither the version nor the kind of what it sends unless it is told to.
  const whole = { apiVersion: 'v1', kind: 'Secret', ...body };
  expect(await codeOf(api.createNamespacedSecret({ namespace: 'nowhere', body: whole }))).toBe(404);
  const made = await api.createNamespacedSecret({ namespace: at.namespace, body: whole });
  expect(made).toMatchObject({ type: 'Opaque', data: { A: 'Yg==' } });
  expect(await codeOf(api.createNamespacedSecret({ namespace: at.namespace, body: whole }))).toBe(409);
  const closed = Object.assign(made, { immutable: true });
  await api.replaceNamespacedSecret({ ...at, body: closed });
  expect(await codeOf(api.replaceNamespacedSecret({ ...at, body: closed }))).toBe(409);
  const changed = Object.assign(await api.readNamespacedSecret(at), { data: { A: 'Yw==' } });
  expect(await codeOf(api.replaceNamespacedSecret({ ...at, body: changed }))).toBe(422);
  const list = await api.listNamespacedSecret({ namespace: at.namespace, labelSelector: 'by=js' });
  expect(list.items.map((one) => one.metadata?.name)).toEqual([at.name]);
  await api.deleteNamespacedSecret(at);
  expect(await codeOf(api.readNamespacedSecret(at))).toBe(404);
});
