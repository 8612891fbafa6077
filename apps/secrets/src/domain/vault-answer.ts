/** How a call to Vault went wrong. None of these means that a secret does not exist. */
export type VaultFault =
  /** 400: the server understood and says that the request is wrong. */
  | 'invalid'
  /** 403: denied, or the token has ended. */
  | 'denied'
  /** 404 with an error in it: nothing is mounted there. */
  | 'not found'
  | 'rate limited'
  /** 503: sealed, or in maintenance. */
  | 'sealed'
  | 'failing'
  /** The connection was refused or cut, or the answer did not come in time. */
  | 'no answer'
  /** It answered with something that is not what it says it is. */
  | 'unreadable';

/** The reason that speaks of the ciphertext itself, not of the way to it. */
export const DOES_NOT_OPEN = 'the ciphertext does not open';

/** The reason of a try that met no answer within its time: to ask a slow server again only makes it slower. */
export const TIMED_OUT = 'it takes too long';

// What is read from an answer other than a success. The server's own words are never passed on: a proxy, or a plugin, may
// repeat in them what was sent.
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/permission denied/i, 'permission denied'],
  [/sealed/i, 'the server is sealed'],
  [
    /invalid (role|secret) ?(id|name)?|role .* (not found|could not be found)/i,
    'the role or secret id is not accepted',
  ],
  [/claim|jwt|service account/i, "the service account's token is not accepted"],
  [
    /lease (not found|expired)|invalid lease|lease is not renewable/i,
    'the lease is not there or cannot be renewed',
  ],
  [/check-and-set/i, 'it has changed meanwhile'],
  [/associated.data/i, 'the key takes no associated data: it must be of an AEAD type'],
  [/unable to decrypt|message authentication failed|invalid ciphertext/i, DOES_NOT_OPEN],
  [/encryption key not found/i, 'there is no such transit key'],
  [/(too old|disallowed by policy)/i, "the key's version is no longer allowed"],
  [/no handler for route/i, 'nothing is mounted there'],
  [/rate limit|quota exceeded/i, 'a rate limit quota is used up'],
  [/missing client token/i, 'it wants a token'],
];

/** A reason we know, found in the words of an error answer; undefined for all others. */
export const reasonIn = (text: string): string | undefined =>
  REASONS.find(([pattern]) => pattern.test(text.slice(0, 4_096)))?.[1];

/** What a status means that is not a success. */
export function faultOf(status: number): VaultFault {
  if (status === 404) return 'not found';
  if (status === 401 || status === 403) return 'denied';
  if (status === 429) return 'rate limited';
  if (status === 503) return 'sealed';
  if (status >= 500) return 'failing';
  return status >= 400 ? 'invalid' : 'unreadable';
}
