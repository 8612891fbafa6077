import { BadDotenv, parseDotenv } from '@lineclear/kit';
import { allEntriesOf, Malformed } from '../domain/secrets-file.js';
import type { ImportEntry } from './entry.js';
import { readKubetorch } from './kubetorch.js';
import { readRunhouse } from './runhouse.js';

/** The formats that are files. SimpleTuner writes JSON even into a file that ends with `.yaml`. */
export type FileFormat = 'dotenv' | 'simpletuner' | 'json' | 'yaml' | 'runhouse' | 'kubetorch';

/** What is in a file of secrets. @throws Malformed, which names lines and never quotes them */
export function readImport(format: FileFormat, content: string): ImportEntry[] {
  switch (format) {
    case 'dotenv':
      return readDotenv(content);
    case 'json':
      return allEntriesOf(content, 'json');
    case 'yaml':
    case 'simpletuner':
      return allEntriesOf(content, 'json or yaml');
    case 'runhouse':
      return readRunhouse(content);
    case 'kubetorch':
      return readKubetorch(content);
  }
}

function readDotenv(content: string): ImportEntry[] {
  try {
    return parseDotenv(content).map(({ name, value }) => ({ key: name, value }));
  } catch (error) {
    throw error instanceof BadDotenv ? new Malformed(`cannot be read: ${error.message}`) : error;
  }
}
