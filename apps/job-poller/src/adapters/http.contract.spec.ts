import { parseConfig, Secret, type ProviderConfigOf } from '@lineclear/kit';
import {
  fakeProviderConfig,
  startFakeProvider,
  type FakeCall,
  type Fault,
  type HttpFault,
} from '@lineclear/testkit';
import { adapterContract, type ContractCall, type ContractWorld } from './adapter-contract.fixture.js';
import { HttpAdapter } from './http.js';

const TOKEN = 'token-of-the-account';
const CALLS: Readonly<Record<ContractCall, FakeCall>> = {
  submit: 'submit',
  find: 'find',
  get: 'status',
  list: 'status',
  cancel: 'cancel',
  logs: 'logs',
};

/** The generic adapter, with the fake provider's configuration. */
async function open(): Promise<ContractWorld> {
  const fake = await startFakeProvider({ token: TOKEN });
  const configAt = (url: string): ProviderConfigOf<'http'> => {
    const config = fakeProviderConfig(url, {
      auth: { secret: 'TOKEN' },
      submit: {
        method: 'POST',
        path: '/runs',
        body: { key: '{run_key}', config: '{config}', env: '{env}' },
        external_id: '/id',
      },
    });
    return parseConfig(JSON.stringify({ providers: { cloud: config } }), {}, 'it').providers[
      'cloud'
    ] as ProviderConfigOf<'http'>;
  };
  const keyOf = new Map<string, string>();
  const adapter = new HttpAdapter('cloud', configAt(fake.url), 1_000);
  const submit = adapter.submit.bind(adapter);
  adapter.submit = async (submission, credential) => {
    const made = await submit(submission, credential);
    keyOf.set(made.externalId, submission.runKey);
    return made;
  };
  const change = (id: string, what: Parameters<typeof fake.change>[1]): void =>
    fake.change(keyOf.get(id) ?? '', what);
  return {
    adapter,
    adrift: new HttpAdapter('cloud', configAt('http://127.0.0.1:9'), 1_000),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { epochs: 3 },
    hardware: 'gpu-a100',
    runsOf: (key) => fake.runsOf(key),
    submitted: (key) => fake.bodies.find((body) => (body as { key: string }).key === key),
    become: (id, status) => change(id, { status: status === 'starting' ? 'queued' : status }),
    say: (id, status) => change(id, { status }),
    forget: (id) => fake.forget(keyOf.get(id) ?? ''),
    write: (id, text) => change(id, { log: (fake.run(keyOf.get(id) ?? '')?.log ?? '') + text }),
    failNext: (call, fault) => fake.failNext(CALLS[call], 1, faultOf(fault)),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

function faultOf(fault: HttpFault): Fault {
  if (typeof fault === 'string') return fault;
  const after = fault.headers?.['retry-after'];
  return {
    status: fault.status,
    ...(fault.body === undefined ? {} : { body: fault.body }),
    ...(after === undefined ? {} : { retryAfterSeconds: Number(after) }),
  };
}

adapterContract('http', { lists: false, logs: true, words: true, credential: true }, open);
