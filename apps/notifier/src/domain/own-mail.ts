import { mailOf, type Mail } from './mail.js';
import { titleOf } from './telling.js';
import type { Message } from './message.js';

const TITLES: Readonly<Record<string, string>> = {
  'approval.granted': 'Your request was approved',
  'approval.rejected': 'Your request was rejected',
  'approval.expired': 'Nobody decided on your request in time',
  'approval.cancelled': 'Your request was withdrawn',
  'approval.changes_requested': 'Changes to your request are asked for',
  'approval.bypass_reviewed': 'Somebody looked at the approval that you passed',
  'job.completed': 'Your job is done',
  'job.failed': 'Your job failed',
  'job.cancelled': 'Your job was cancelled',
};

/** What an event is called to whom it is about. */
export const ownTitleOf = (type: string): string => TITLES[type] ?? titleOf(type);

/** For whom an event is about: what became of what they asked for. */
export const ownMail = (message: Message, publicUrl: string): Mail =>
  mailOf(message, publicUrl, ownTitleOf(message.type));
