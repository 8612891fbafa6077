export { startBackends, type Backends } from './backends.js';
export { expectProblem, HOPELESS_BODIES, refusesBadInput } from './bad-input.js';
export { client, type Answer, type Client } from './client.js';
export { startFakeAws, type AwsTrouble, type FakeAws } from './fake-aws.js';
export {
  startFakeKubernetes,
  type FakeKubernetes,
  type FakeKubernetesCall,
  type KubernetesTrouble,
} from './fake-kubernetes.js';
export {
  fakeProviderConfig,
  startFakeProvider,
  type FakeCall,
  type FakeProvider,
  type FakeProviderOptions,
  type FakeRun,
  type Fault,
  type Finish,
} from './fake-provider.js';
export {
  startFakeVault,
  type FakeRole,
  type FakeVault,
  type FakeVaultCall,
  type FakeVaultOptions,
  type VaultFault,
} from './fake-vault.js';
export { people, type People, type Person } from './people.js';
export { connectPeer, pendingEvents, type Peer } from './peer.js';
