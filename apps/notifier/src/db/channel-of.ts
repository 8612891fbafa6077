import type { Channel } from '../domain/channel.js';
import type { ChannelRow } from './channel.entity.js';

/** A row, or a row that came as JSON, where times are text. */
export const channelOf = (row: ChannelRow): Channel =>
  ({
    id: row.id,
    type: row.channel_type,
    name: row.name,
    isEnabled: row.is_enabled,
    disabledReason: row.disabled_reason,
    disabledAt: row.disabled_at && new Date(row.disabled_at),
    settings: row.settings,
    hasSecret: row.has_secret,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }) as Channel;
