import { API_KEYS } from './api-keys.js';
import { CLOUD_FORMATS } from './cloud-formats.js';
import type { CredentialFormat } from './format.js';
import { TOOL_FORMATS } from './tool-formats.js';

/** Every credential format that is known, by name. */
export const FORMATS: readonly CredentialFormat[] = [...API_KEYS, ...CLOUD_FORMATS, ...TOOL_FORMATS].sort(
  (a, b) => (a.name < b.name ? -1 : 1),
);

/** The format of a name or alias; undefined when there is none. */
export const formatNamed = (name: string): CredentialFormat | undefined =>
  FORMATS.find((format) => format.name === name || format.aliases.includes(name));
