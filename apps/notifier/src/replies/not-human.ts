export type Headers = Readonly<Record<string, string>>;
export interface NotHuman {
  readonly kind: 'auto_reply' | 'bounce' | 'list' | 'own';
  readonly why: string;
}

const addressOf = (from: string): string =>
  (/<([^<>]*)>[^<]*$/u.exec(from)?.[1] ?? from).trim().toLowerCase();
const isOurs = (address: string, ourAddress: string): boolean =>
  address.replace(/\+[^@]*@/u, '@') === ourAddress.toLowerCase().replace(/\+[^@]*@/u, '@');

/** Why no person sits behind a mail with these headers (RFC 3834), or undefined when one may. */
export function notHumanOf(headers: Headers, ourAddresses: readonly string[]): NotHuman | undefined {
  const all = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.trim()]));
  const value = (name: string): string => (all.get(name) ?? '').toLowerCase();
  const from = addressOf(all.get('from') ?? '');
  const found = (kind: NotHuman['kind'], why: string): NotHuman => ({ kind, why });
  if (from !== '' && ourAddresses.some((address) => isOurs(from, address)))
    return found('own', 'it comes from our own address');
  if (/^(?:mailer-daemon|postmaster)@/u.test(from))
    return found('bounce', `it comes from ${from.split('@')[0]}`);
  if (/multipart\/report|message\/delivery-status/u.test(value('content-type')))
    return found('bounce', 'it is a report about delivery');
  if (value('return-path') === '<>' && value('auto-submitted') === '')
    return found('bounce', 'its return path is empty');
  if (
    !['', 'no'].includes(
      value('auto-submitted')
        .replace(/[;(].*$/u, '')
        .trim(),
    )
  )
    return found('auto_reply', `Auto-Submitted: ${value('auto-submitted')}`);
  for (const name of [
    'x-autoreply',
    'x-autorespond',
    'x-auto-response-suppress',
    'x-autoresponder',
    'x-vacation',
  ])
    if (all.has(name) && value(name) !== 'no') return found('auto_reply', `it has the header ${name}`);
  const precedence = value('precedence');
  if (/auto_reply|auto-reply/u.test(precedence)) return found('auto_reply', `Precedence: ${precedence}`);
  if (/bulk|junk|list/u.test(precedence)) return found('list', `Precedence: ${precedence}`);
  for (const name of ['list-id', 'list-post', 'list-unsubscribe'])
    if (all.has(name)) return found('list', `it has the header ${name}`);
  if (value('return-path') === '<>') return found('bounce', 'its return path is empty');
  return undefined;
}
