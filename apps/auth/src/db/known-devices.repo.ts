import type { Tx } from '@lineclear/kit';

export interface Device {
  readonly userId: number;
  readonly agentFamily: string;
  readonly addressGroup: string;
}

/** Notes that a known device was seen again; false when it is not known. */
export async function seenAgain(tx: Tx, device: Device, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `update known_devices set last_seen_at = $4 where user_id = $1 and agent_family = $2 and address_group = $3
     returning user_id`,
    [device.userId, device.agentFamily, device.addressGroup, now],
  );
  return rows.length > 0;
}

/** Keeps a device, and of the person's others the `max - 1` that were seen last. @returns whether there were others */
export async function keep(tx: Tx, device: Device, now: Date, max: number): Promise<boolean> {
  const others = await tx.query('select 1 from known_devices where user_id = $1 limit 1', [device.userId]);
  await tx.query(
    `delete from known_devices where user_id = $1 and (agent_family, address_group) in
       (select agent_family, address_group from known_devices where user_id = $1
        order by last_seen_at desc, first_seen_at desc, agent_family, address_group offset $2)`,
    [device.userId, max - 1],
  );
  await tx.query(
    `insert into known_devices (user_id, agent_family, address_group, first_seen_at, last_seen_at)
     values ($1, $2, $3, $4, $4)`,
    [device.userId, device.agentFamily, device.addressGroup, now],
  );
  return others.length > 0;
}
