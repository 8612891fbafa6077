/** What proves who sent a mail: its own signature, the word of a relay, or nothing. */
export const SENDER_CHECKS = ['dmarc', 'trusted_relay', 'off'] as const;
export type SenderCheck = (typeof SENDER_CHECKS)[number];
