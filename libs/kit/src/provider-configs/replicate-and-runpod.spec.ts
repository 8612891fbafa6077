import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config-file.js';
import { givesFiles, secretOfProvider, type ProviderConfig } from './index.js';

const parsed = (provider: object): ProviderConfig =>
  parseConfig(JSON.stringify({ providers: { cloud: provider } }), {}, 'it').providers['cloud']!;

describe('what the configuration says of Replicate and RunPod', () => {
  it.each([
    [{ type: 'replicate', secret: 'KEY' }, 'https://api.replicate.com/v1'],
    [{ type: 'runpod_serverless', secret: 'KEY', endpoint_id: '4m7x2k9q' }, 'https://api.runpod.ai/v2'],
    [{ type: 'runpod_pods', secret: 'KEY' }, 'https://api.runpod.io'],
  ])('has of %j the real address, its credential, and no files', (given, base_url) => {
    const provider = parsed(given);
    expect(provider).toMatchObject({ base_url, enabled: true });
    expect(secretOfProvider(provider)).toBe('KEY');
    expect(givesFiles(provider)).toBe(false);
  });

  it.each([
    [{ type: 'replicate' }, /providers\.cloud\.secret/],
    [{ type: 'replicate', secret: 'KEY', base_url: 'ftp://x.test' }, /providers\.cloud\.base_url/],
    [{ type: 'runpod_serverless', secret: 'KEY' }, /providers\.cloud\.endpoint_id/],
    [{ type: 'runpod_serverless', secret: 'KEY', endpoint_id: '../x' }, /providers\.cloud\.endpoint_id/],
    [{ type: 'runpod_pods', secret: 'KEY', cloud: 'ANY' }, /providers\.cloud\.cloud/],
    [{ type: 'runpod_pods', secret: 'KEY', disk_gb: 0 }, /providers\.cloud\.disk_gb/],
    [{ type: 'runpod_pods', secret: 'KEY', volume: 'v' }, /volume/],
    [
      { type: 'runpod_pods', secret: 'KEY', network_volume: { id: 'v', path: 'data' } },
      /network_volume\.path/,
    ],
  ])('stops the boot for %j', (given, message) => {
    expect(() => parsed(given)).toThrow(message);
  });
});
