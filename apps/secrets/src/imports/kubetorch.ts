import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { Malformed } from '../domain/secrets-file.js';
import type { ImportEntry } from './entry.js';

const MAX_MANIFESTS = 200;
const HUGGING_FACE_FILE = 'token';

const manifest = z.looseObject({
  kind: z.literal('Secret'),
  metadata: z.looseObject({
    name: z.string().max(253).optional(),
    labels: z.record(z.string().max(400), z.string().max(400)).nullish(),
  }),
  data: z.record(z.string().max(253), z.string()).nullish(),
  stringData: z.record(z.string().max(253), z.string()).nullish(),
});
type Manifest = z.infer<typeof manifest>;
const list = z.looseObject({ items: z.array(z.unknown()).max(MAX_MANIFESTS) });

/**
 * The values of Kubernetes secrets, as Kubetorch makes them (YAML or JSON; several documents or a List). Variables keep their
 * names; a file is `<secret>.<file>`, but Hugging Face's token is HF_TOKEN, as Kubetorch has it. @throws Malformed
 */
export function readKubetorch(content: string): ImportEntry[] {
  let plain: unknown[];
  try {
    const documents = parseAllDocuments(content, { logLevel: 'error' });
    const read = 'empty' in documents ? [] : documents;
    // The parser's own words quote the text.
    if (read.some(({ errors }) => errors.length > 0)) throw new Malformed('is not YAML');
    plain = read.map((one) => one.toJS({ maxAliasCount: 0 }) as unknown).filter((one) => one !== null);
  } catch (error) {
    if (error instanceof Malformed) throw error;
    throw new Malformed('has aliases, which are not followed, or is nested too deeply');
  }
  const all = plain.flatMap((one) => list.safeParse(one).data?.items ?? [one]);
  const parsed = z.array(manifest).min(1).max(MAX_MANIFESTS).safeParse(all);
  if (!parsed.success) throw new Malformed('is not a manifest of Kubernetes secrets alone');
  return parsed.data.flatMap(entriesOf);
}

function entriesOf({ metadata, data, stringData }: Manifest): ImportEntry[] {
  const label = (name: string): string | undefined => metadata.labels?.[`kubetorch.com/${name}`];
  const secret = label('secret-name') ?? metadata.name ?? 'secret';
  const nameOf = (key: string): string => {
    if (label('provider') === 'huggingface' && key === HUGGING_FACE_FILE) return 'HF_TOKEN';
    const isVariable = label('mount-type') === 'env' || /^[A-Z][A-Z0-9_]*$/.test(key);
    return isVariable ? key : `${secret}.${key}`;
  };
  const decoded = Object.entries(data ?? {}).map(([key, encoded]): ImportEntry => {
    const value = textOf(encoded);
    return {
      key: nameOf(key),
      ...(value === undefined ? { value: '', fault: 'is not text in base64' } : { value }),
    };
  });
  // As Kubernetes has it: what is in both counts as in stringData.
  const plain = Object.entries(stringData ?? {}).map(([key, value]): ImportEntry => ({
    key: nameOf(key),
    value,
  }));
  const inBoth = new Set(plain.map(({ key }) => key));
  return [...decoded.filter(({ key }) => !inBoth.has(key)), ...plain];
}

function textOf(encoded: string): string | undefined {
  const packed = encoded.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(packed, 'base64'));
  } catch {
    return undefined;
  }
}
