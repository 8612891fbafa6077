import { Injectable } from '@nestjs/common';
import { Bus, event } from '@lineclear/bus';
import { newDevice } from '@lineclear/contracts';
import { addressGroup, type Tx } from '@lineclear/kit';
import * as devices from '../db/known-devices.repo.js';
import { agentFamily } from '../domain/device.js';

/** As many as anybody uses; who comes from ever new addresses makes the oldest go. */
export const MAX_KNOWN_DEVICES = 50;

/** Tells when somebody logs in with, or from, what was never seen with them. Their first login has nothing to compare with. */
@Injectable()
export class NoteDevice {
  constructor(private readonly bus: Bus) {}

  /** In the login's transaction, which holds the person's row: two logins at once do not both count as the first. */
  async note(
    tx: Tx,
    person: { readonly id: number; readonly username: string },
    from: { readonly address: string; readonly userAgent: string },
    now: Date,
  ): Promise<void> {
    const device = {
      userId: person.id,
      agentFamily: agentFamily(from.userAgent),
      addressGroup: addressGroup(from.address),
    };
    if (await devices.seenAgain(tx, device, now)) return;
    const hasOthers = await devices.keep(tx, device, now, MAX_KNOWN_DEVICES);
    if (!hasOthers) return;
    const data = {
      user_id: person.id,
      username: person.username,
      device: device.agentFamily,
      address: from.address,
    };
    await this.bus.publish(tx, event(newDevice, data, { about: `user/${person.id}` }));
  }
}
