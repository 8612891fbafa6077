import { parseConfig, type ProviderConfig, type ProviderConfigOf } from '@lineclear/kit';

/** A provider as the configuration file would have it. */
export function configured<Type extends ProviderConfig['type']>(
  type: Type,
  more: Readonly<Record<string, unknown>>,
): ProviderConfigOf<Type> {
  const file = parseConfig(JSON.stringify({ providers: { cloud: { type, ...more } } }), {}, 'it');
  return file.providers['cloud'] as ProviderConfigOf<Type>;
}
