import { BASE, optional, secretField, shown } from './fields.js';
import type { CredentialFormat } from './format.js';

const apiKey = (
  name: string,
  title: string,
  variables: readonly string[],
  shape?: RegExp,
): CredentialFormat => ({
  ...BASE,
  name,
  title,
  fields: [secretField('api_key', variables, shape)],
});

/** What has no file of its own: tools read it from variables alone. */
export const API_KEYS: readonly CredentialFormat[] = [
  apiKey('anthropic', 'Anthropic', ['ANTHROPIC_API_KEY'], /^sk-ant-/),
  apiKey('cohere', 'Cohere', ['COHERE_API_KEY', 'CO_API_KEY']),
  apiKey('gemini', 'Google Gemini', ['GEMINI_API_KEY', 'GOOGLE_API_KEY']),
  apiKey('langchain', 'LangChain, LangSmith', ['LANGCHAIN_API_KEY', 'LANGSMITH_API_KEY'], /^ls/),
  apiKey('mistral', 'Mistral', ['MISTRAL_API_KEY']),
  apiKey('nvidia', 'NVIDIA API', ['NVIDIA_API_KEY'], /^nvapi-/),
  apiKey('openai', 'OpenAI', ['OPENAI_API_KEY'], /^sk-/),
  apiKey('pinecone', 'Pinecone', ['PINECONE_API_KEY']),
  apiKey('replicate', 'Replicate', ['REPLICATE_API_TOKEN'], /^r8_/),
  apiKey('together', 'Together AI', ['TOGETHER_API_KEY']),
  {
    ...BASE,
    name: 'azure-openai',
    title: 'Azure OpenAI',
    fields: [
      secretField('api_key', ['AZURE_OPENAI_API_KEY']),
      shown(secretField('endpoint', ['AZURE_OPENAI_ENDPOINT'], /^https:\/\//)),
      optional(shown(secretField('api_version', ['OPENAI_API_VERSION']))),
    ],
  },
  {
    ...BASE,
    name: 'azure-principal',
    title: 'Azure service principal',
    fields: [
      shown(secretField('tenant_id', ['AZURE_TENANT_ID'])),
      shown(secretField('client_id', ['AZURE_CLIENT_ID'])),
      secretField('client_secret', ['AZURE_CLIENT_SECRET']),
    ],
  },
];
