import { secretUseOf, variableOfUse } from '@lineclear/contracts';
import type { Run } from '../domain/run.js';
import type { GivenFile, GivenSecret, Submission } from '../adapters/adapter.js';
import type { Values } from './credentials.js';

/** What a run is given of the values of its secrets, each in the way that its submit said. */
export function givenTo(
  { secrets, secretUses }: Pick<Run, 'secrets' | 'secretUses'>,
  values: Values,
): Pick<Submission, 'env' | 'files'> {
  const env = new Map<string, GivenSecret>();
  const files: GivenFile[] = [];
  for (const use of secretUses ?? secrets.map(secretUseOf)) {
    const { name, file } = use;
    const value = values.get(name);
    if (!value) throw new Error(`no value of ${name} was asked for`);
    const variable = variableOfUse(use);
    if (file !== undefined) files.push({ name, value, file, variable });
    else if (variable !== undefined) env.set(variable, { name, value });
  }
  return { env, files };
}
