import { createHash } from 'node:crypto';
import { replyReceived, type EventData } from '@lineclear/contracts';
import { expect, vi } from 'vitest';
import type { ResolveRecords } from '../src/mailbox/dmarc.js';
import { openHouse, type House } from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';
import { HOUSE, INBOUND, resolveRecords, startMailServer, type MailServer } from './mail-server.js';

const BASE = '/api/cloud/notifications';
export const PATIENT = { timeout: 25_000 };

/** A notifier with a channel whose mailbox it reads. */
export interface MailboxHouse {
  readonly house: House;
  readonly server: MailServer;
  readonly sink: MailSink;
  readonly channelId: number;
  /** Adds a channel that reads from the same server. */
  addChannel(more: object): Promise<number>;
  /** What became of the mail, by its Message-ID. */
  handled(messageId: string): Promise<Record<string, unknown>>;
  /** The events that were published of answers to this token. */
  events(token: string): EventData<typeof replyReceived>[];
  stop(): Promise<void>;
}

export const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

export async function openMailboxHouse(
  extra: Record<string, string> = {},
  resolve: ResolveRecords = resolveRecords,
): Promise<MailboxHouse> {
  const [house, server, sink] = await Promise.all([
    openHouse(extra, { resolveRecords: resolve }),
    startMailServer(),
    startMailSink('unused'),
  ]);
  const addChannel = async (more: object): Promise<number> => {
    const made = await house.admin.post(`${BASE}/channels`, {
      channel_type: 'email',
      name: 'Approvals',
      smtp_host: '127.0.0.1',
      smtp_port: sink.port,
      smtp_use_tls: false,
      smtp_from_address: HOUSE,
      reply_to: INBOUND,
      ...server.fields,
      ...more,
    });
    expect(made.status).toBe(201);
    await isBeingRead(house, made.body.id);
    return made.body.id;
  };
  const channelId = await addChannel({});
  return {
    house,
    server,
    sink,
    channelId,
    addChannel,
    handled: (messageId) =>
      vi.waitFor(async () => {
        const { body } = await house.admin.get(`${BASE}/replies?limit=500`);
        const found = body.replies.find((one: { message_id?: string }) => one.message_id === messageId);
        expect(found).toBeDefined();
        return found;
      }, PATIENT),
    events: (token) =>
      house.peer
        .events(replyReceived)
        .map(({ data }) => data)
        .filter((data) => data.token_sha256 === sha256(token)),
    async stop() {
      await house.stop();
      await server.close();
      await sink.close();
    },
  };
}

/** What came before a mailbox was first read is not read: so that is waited for. */
export const isBeingRead = (house: House, channelId: number): Promise<void> =>
  vi.waitFor(async () => {
    const rows = await house.service.database.query('select * from mailbox_cursor where channel_id = $1', [
      channelId,
    ]);
    expect(rows).not.toEqual([]);
  }, PATIENT);
