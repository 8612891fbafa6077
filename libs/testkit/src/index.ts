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
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
  type HttpFault,
} from './cloud/fake-http.js';
export {
  startFakeReplicate,
  type FakeReplicate,
  type FakeReplicateCall,
  type FakeReplicateObject,
} from './cloud/fake-replicate.js';
export {
  startFakeRunpodPods,
  type FakePod,
  type FakeRunpodPods,
  type FakeRunpodPodsCall,
} from './cloud/fake-runpod-pods.js';
export {
  startFakeRunpodServerless,
  type FakeRunpodJob,
  type FakeRunpodServerless,
  type FakeRunpodServerlessCall,
} from './cloud/fake-runpod-serverless.js';
export {
  startFakeHfJobs,
  type FakeHfJob,
  type FakeHfJobs,
  type FakeHfJobsCall,
} from './cloud/fake-hf-jobs.js';
export {
  startFakeKubernetesJobs,
  type FakeKubernetesJobs,
  type FakeKubernetesJobsCall,
  type FakeKubernetesObject,
} from './cloud/fake-kubernetes-jobs.js';
export { startFakeSlurm, type FakeSlurm, type FakeSlurmCall, type FakeSlurmJob } from './cloud/fake-slurm.js';
export {
  startFakeLambda,
  type FakeLambda,
  type FakeLambdaCall,
  type FakeLambdaInstance,
} from './cloud/fake-lambda.js';
export {
  startFakeSkypilot,
  type FakeSkypilot,
  type FakeSkypilotCall,
  type FakeSkypilotJob,
} from './cloud/fake-skypilot.js';
export { startFakeVast, type FakeVast, type FakeVastCall, type FakeVastInstance } from './cloud/fake-vast.js';
export { startFakeVault } from './fake-vault/server.js';
export type {
  FakeDynamic,
  FakeRole,
  FakeVault,
  FakeVaultCall,
  FakeVaultOptions,
  VaultFault,
} from './fake-vault/types.js';
export type { FakeTtl } from './fake-vault/tokens.js';
export { people, type People, type Person } from './people.js';
export { connectPeer, pendingEvents, type Peer } from './peer.js';
