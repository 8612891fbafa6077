import { BASE, optional, OWNER_ONLY, secretField, shown, wholeText } from './fields.js';
import type { CredentialFile, CredentialFormat } from './format.js';
import { iniFile, tableWith, tomlFile } from './ini.js';
import { notGoogleCredentials, notKubeconfig, wholeFile } from './whole-file.js';

// The keys of a profile are in ~/.aws/credentials, the rest of it in ~/.aws/config.
const awsSecrets = (more: Readonly<Record<string, string>> = {}): CredentialFile => ({
  path: '.aws/credentials',
  mode: OWNER_ONLY,
  locations: [{ variable: 'AWS_SHARED_CREDENTIALS_FILE' }],
  family: iniFile({
    sections: (profile) => [profile],
    keys: { access_key: 'aws_access_key_id', secret_key: 'aws_secret_access_key', ...more },
  }),
});
const awsConfig = (keys: Readonly<Record<string, string>>): CredentialFile => ({
  path: '.aws/config',
  mode: OWNER_ONLY,
  locations: [{ variable: 'AWS_CONFIG_FILE' }],
  family: iniFile({
    sections: (profile) => (profile === 'default' ? ['default', 'profile default'] : [`profile ${profile}`]),
    keys,
  }),
});
const accessKey = secretField('access_key', ['AWS_ACCESS_KEY_ID']);
const secretKey = secretField('secret_key', ['AWS_SECRET_ACCESS_KEY']);
const region = optional(shown(secretField('region', ['AWS_REGION', 'AWS_DEFAULT_REGION'])));

/** Where jobs run and data is: what has a file of its own. */
export const CLOUD_FORMATS: readonly CredentialFormat[] = [
  {
    ...BASE,
    name: 'aws',
    title: 'Amazon Web Services',
    fields: [
      { ...accessKey, shape: /^A(KIA|SIA)[A-Z0-9]{16}$/ },
      { ...secretKey, shape: /^[A-Za-z0-9/+=]{40}$/ },
      optional(secretField('session_token', ['AWS_SESSION_TOKEN'])),
      region,
    ],
    files: [awsSecrets({ session_token: 'aws_session_token' }), awsConfig({ region: 'region' })],
    delivery: 'both',
    profileVariable: 'AWS_PROFILE',
  },
  {
    ...BASE,
    name: 's3-compatible',
    title: 'S3-compatible store',
    fields: [
      accessKey,
      secretKey,
      shown(secretField('endpoint', ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'], /^https?:\/\//)),
      region,
    ],
    // Temporary keys are Amazon's alone.
    files: [awsSecrets(), awsConfig({ endpoint: 'endpoint_url', region: 'region' })],
    profiles: ['s3-compatible'],
  },
  {
    ...BASE,
    name: 'azure',
    title: 'Microsoft Azure',
    fields: [shown(secretField('subscription_id', ['AZURE_SUBSCRIPTION_ID']))],
    files: [
      {
        path: '.azure/clouds.config',
        mode: OWNER_ONLY,
        locations: [{ variable: 'AZURE_CONFIG_DIR', below: 'clouds.config' }],
        family: iniFile({ sections: (profile) => [profile], keys: { subscription_id: 'subscription' } }),
      },
    ],
    delivery: 'both',
    profiles: ['AzureCloud'],
  },
  {
    ...BASE,
    name: 'gcp',
    title: 'Google Cloud',
    fields: [wholeText(secretField('credentials_json', []))],
    files: [
      {
        path: '.config/gcloud/application_default_credentials.json',
        mode: OWNER_ONLY,
        locations: [
          { variable: 'GOOGLE_APPLICATION_CREDENTIALS' },
          { variable: 'CLOUDSDK_CONFIG', below: 'application_default_credentials.json' },
        ],
        announcedIn: 'GOOGLE_APPLICATION_CREDENTIALS',
        family: wholeFile('credentials_json', { refuse: notGoogleCredentials }),
      },
    ],
    delivery: 'file',
  },
  {
    ...BASE,
    name: 'kubeconfig',
    title: 'Kubernetes',
    aliases: ['kubernetes'],
    fields: [wholeText(secretField('kubeconfig', []))],
    files: [
      {
        path: '.kube/config',
        mode: OWNER_ONLY,
        locations: [{ variable: 'KUBECONFIG' }],
        announcedIn: 'KUBECONFIG',
        family: wholeFile('kubeconfig', { refuse: notKubeconfig }),
      },
    ],
    delivery: 'file',
  },
  {
    ...BASE,
    name: 'lambda',
    title: 'Lambda Cloud',
    fields: [secretField('api_key', [])],
    files: [
      {
        path: '.lambda_cloud/lambda_keys',
        mode: OWNER_ONLY,
        family: iniFile({ sections: () => [undefined], keys: { api_key: 'api_key' } }),
      },
    ],
    delivery: 'file',
  },
  {
    ...BASE,
    name: 'modal',
    title: 'Modal',
    fields: [
      shown(secretField('token_id', ['MODAL_TOKEN_ID'], /^ak-/)),
      secretField('token_secret', ['MODAL_TOKEN_SECRET'], /^as-/),
    ],
    files: [
      {
        path: '.modal.toml',
        mode: OWNER_ONLY,
        locations: [{ variable: 'MODAL_CONFIG_PATH' }],
        family: tomlFile({
          sections: (profile) => [profile],
          keys: { token_id: 'token_id', token_secret: 'token_secret' },
        }),
        activeProfile: tableWith('active', 'true'),
      },
    ],
    profileVariable: 'MODAL_PROFILE',
  },
  {
    ...BASE,
    name: 'runpod',
    title: 'RunPod',
    fields: [secretField('api_key', ['RUNPOD_API_KEY'])],
    files: [
      {
        path: '.runpod/config.toml',
        mode: OWNER_ONLY,
        family: tomlFile({ sections: (profile) => [profile], keys: { api_key: 'api_key' } }),
      },
    ],
  },
];
