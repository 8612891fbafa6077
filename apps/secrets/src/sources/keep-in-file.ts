import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { BadInput, Clock, Database } from '@lineclear/kit';
import { GLOBAL } from '../domain/scopes.js';
import { FileSource } from './file-source.js';
import { OutsideSources } from './outside-sources.js';

/** Changes the file of secrets, told to the audit log like a change of the store. */
@Injectable()
export class KeepInFile {
  constructor(
    private readonly outside: OutsideSources,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** @throws BadInput where no file is configured; Conflict, Unavailable when it cannot be written: it is then as it was */
  async put(name: string, value: string): Promise<{ createdAt: Date }> {
    const file = this.#file();
    await this.database.tx(async (tx) => {
      await this.bus.publish(tx, audited('secret.set', { target: `secret/${name}`, details: DETAILS }));
      // Within the transaction, so that a file that cannot be written leaves no entry either.
      await file.set(name, value);
    });
    return { createdAt: this.clock.now() };
  }

  /** False when the name was not in the file. @throws as `put` */
  async remove(name: string): Promise<boolean> {
    const file = this.#file();
    return this.database.tx(async (tx) => {
      if (!(await file.remove(name))) return false;
      await this.bus.publish(tx, audited('secret.removed', { target: `secret/${name}`, details: DETAILS }));
      return true;
    });
  }

  #file(): FileSource {
    if (this.outside.file) return this.outside.file;
    throw BadInput.at(
      'source',
      'there is no file of secrets in this house: LINECLEAR_SECRETS_FILE names one',
    );
  }
}

const DETAILS = { scope: GLOBAL, source: 'file' };
