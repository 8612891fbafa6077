import type { Queryable, Tx } from '@lineclear/kit';

/** Before it is sent: its bounce may be faster than the answer of the server that takes it. */
export async function insertApprovalMail(
  on: Queryable,
  tokenSha256: string,
  deliveryId: string,
): Promise<void> {
  await on.query('insert into approval_mail (token_sha256, delivery_id) values ($1, $2)', [
    tokenSha256,
    deliveryId,
  ]);
}

export interface Unreached {
  readonly tokenSha256: string;
  readonly why: 'bounced' | 'away';
  readonly detail: string;
}

/**
 * Notes that an approval mail reached nobody. False when it is none of ours, when that was noted before, and of an absence that
 * somebody else tells of than the mail was for. @throws while the mail is being sent
 */
export async function noteUnreached(
  tx: Tx,
  { tokenSha256, why, detail }: Unreached,
  from: string | null,
): Promise<boolean> {
  const [mail] = await tx.query<{ delivery_id: string; is_being_sent: boolean }>(
    `update approval_mail m set unreached = $2 from delivery d
     where m.token_sha256 = $1 and d.id = m.delivery_id and (unreached is null or (unreached = 'away' and $2 = 'bounced'))
       and ($2 = 'bounced' or lower(d.recipient) = lower($3))
     returning m.delivery_id, exists (select 1 from claim c where c.delivery_id = m.delivery_id) as is_being_sent`,
    [tokenSha256, why, from],
  );
  if (!mail) return false;
  if (mail.is_being_sent) throw new Error('the mail that came back is being sent');
  if (why === 'bounced')
    await tx.query(
      `update delivery set state = 'bounced', last_error = $2 where id = $1 and state = 'sent'`,
      [mail.delivery_id, detail],
    );
  return true;
}
