import { normalise } from './normalise.js';

/**
 * What stands alone on the first line, by language. `approve` and `reject` say it in so many words and may carry a comment;
 * `yes` may be an answer to something else, so nothing but politeness may follow it. Left out on purpose, as they mean
 * something else next door: da, tak, si, ya, jo, nu, ne, co.
 */
interface Verbs {
  readonly approve: string;
  readonly reject: string;
  readonly yes: string;
}

export const VERBS: Readonly<Record<string, Verbs>> = {
  en: {
    approve: 'approve|approved|i approve|lgtm|looks good to me|go ahead|accept|accepted|approve it',
    reject:
      'reject|rejected|i reject|deny|denied|decline|declined|disapprove|disapproved|no|nope|refuse|refused|reject it|n',
    yes: 'yes|y|yep|yeah|ok|okay',
  },
  de: {
    approve: 'genehmigt|genehmige|ich genehmige|freigegeben|bewilligt|genehmigen',
    reject: 'abgelehnt|ablehnen|ich lehne ab|nein|nicht genehmigt',
    yes: 'ja',
  },
  fr: {
    approve: "approuvé|approuvée|approuver|approuve|j'approuve|validé|accepté",
    reject: 'refusé|refusée|refuser|je refuse|rejeté|rejetée|non',
    yes: "oui|d'accord",
  },
  es: {
    approve: 'aprobado|aprobada|aprobar|apruebo|aprobamos|autorizado',
    reject: 'rechazado|rechazada|rechazar|rechazo|denegado|denegada',
    yes: 'sí',
  },
  it: {
    approve: 'approvato|approvata|approvo|approvare',
    reject: 'rifiutato|rifiutata|rifiuto|respinto|respinta|rifiutare',
    yes: 'sì|va bene',
  },
  pt: {
    approve: 'aprovado|aprovada|aprovo|aprovar',
    reject: 'rejeitado|rejeitada|rejeito|recusado|recusada|rejeitar|não|reprovado',
    yes: 'sim',
  },
  nl: {
    approve: 'goedgekeurd|goedkeuren|ik keur het goed|akkoord',
    reject: 'afgewezen|afgekeurd|afwijzen|geweigerd|nee',
    yes: 'ja|prima',
  },
  sv: {
    approve: 'godkänd|godkänt|godkänn|godkänner|jag godkänner',
    reject: 'avslagen|avslaget|avvisad|avvisat|nekad|nej|avslå',
    yes: 'ja',
  },
  da: {
    approve: 'godkendt|godkend|godkender|jeg godkender',
    reject: 'afvist|afvis|jeg afviser|nej',
    yes: 'ja',
  },
  no: {
    approve: 'godkjent|godkjenn|godkjenner|jeg godkjenner',
    reject: 'avvist|avslått|avvis|nei',
    yes: 'ja',
  },
  fi: { approve: 'hyväksytty|hyväksyn|hyväksy', reject: 'hylätty|hylkään|hylkää|ei', yes: 'kyllä|joo' },
  pl: {
    approve: 'zatwierdzam|zatwierdzone|zatwierdzono|akceptuję|zaakceptowano|zgadzam się',
    reject: 'odrzucam|odrzucone|odrzucono|odmawiam|nie',
    yes: 'zgoda',
  },
  cs: {
    approve: 'schvaluji|schváleno|schvalují',
    reject: 'zamítám|zamítnuto|odmítám|neschvaluji',
    yes: 'ano',
  },
  sk: {
    approve: 'schvaľujem|schválené',
    reject: 'zamietam|zamietnuté|odmietam|neschvaľujem',
    yes: 'áno|súhlasím',
  },
  hu: {
    approve: 'jóváhagyom|jóváhagyva|elfogadom|engedélyezem',
    reject: 'elutasítom|elutasítva|nem',
    yes: 'igen',
  },
  ro: {
    approve: 'aprob|aprobat|aprobată',
    reject: 'respins|respinsă|resping|refuz|refuzat',
    yes: 'bine',
  },
  tr: {
    approve: 'onaylıyorum|onaylandı|onayla|onaylandi',
    reject: 'reddedildi|reddediyorum|reddet|hayır|hayir',
    yes: 'evet|tamam',
  },
  el: {
    approve: 'εγκρίνω|εγκρίνεται|εγκρίθηκε|εγκρινεται|εγκρινω',
    reject: 'απορρίπτω|απορρίπτεται|απορρίφθηκε|όχι|οχι|απορριπτεται',
    yes: 'ναι',
  },
  ru: {
    approve: 'утверждаю|утверждено|одобряю|одобрено|согласовано',
    reject: 'отклоняю|отклонено|отказано|отказываю|нет',
    yes: 'да',
  },
  uk: {
    approve: 'затверджую|затверджено|схвалюю|схвалено|погоджено',
    reject: 'відхиляю|відхилено|відмовлено|ні',
    yes: 'так',
  },
  bg: { approve: 'одобрявам|одобрено|утвърждавам', reject: 'отхвърлям|отхвърлено|отказвам|не', yes: 'да' },
  ar: {
    approve: 'موافق|موافقة|أوافق|تمت الموافقة|اوافق',
    reject: 'مرفوض|أرفض|رفض|تم الرفض|لا|ارفض',
    yes: 'نعم',
  },
  he: { approve: 'מאושר|מאשר|מאשרת|אני מאשר|אני מאשרת', reject: 'נדחה|דוחה|לא|לא מאושר|אני דוחה', yes: 'כן' },
  hi: { approve: 'स्वीकृत|मंज़ूर|मंजूर|स्वीकार|अनुमोदित', reject: 'अस्वीकृत|नामंज़ूर|नामंजूर|अस्वीकार|नहीं', yes: 'हाँ|हां' },
  zh: {
    approve: '批准|同意|通过|批准了|已批准|同意批准|核准',
    reject: '拒绝|不同意|不批准|驳回|否决|不|拒絕|駁回',
    yes: '是|可以|好的|好',
  },
  ja: {
    approve: '承認|承認します|承認しました|承認する|承認いたします',
    reject: '却下|却下します|拒否|拒否します|否認|いいえ|不承認|承認しません',
    yes: 'はい',
  },
  ko: {
    approve: '승인|승인합니다|승인함|승인했습니다|승인해요',
    reject: '거절|거절합니다|거부|거부합니다|반려|아니요|아니오|승인하지 않습니다',
    yes: '네|예',
  },
  vi: {
    approve: 'phê duyệt|đã duyệt|duyệt|chấp thuận|tôi phê duyệt',
    reject: 'từ chối|tôi từ chối|không|không duyệt|bác bỏ',
    yes: 'có|đồng ý',
  },
  id: {
    approve: 'setuju|disetujui|menyetujui|saya setuju',
    reject: 'tolak|ditolak|menolak|tidak|saya tolak',
    yes: 'iya',
  },
  th: { approve: 'อนุมัติ|อนุมัติแล้ว|อนุมัติครับ|อนุมัติค่ะ', reject: 'ปฏิเสธ|ไม่อนุมัติ|ไม่|ไม่อนุมัติครับ', yes: 'ใช่|ตกลง' },
};
const SIGNS: Verbs = { approve: '', reject: '-1|👎|❌|✖|🚫|⛔|🛑', yes: '👌|+1|👍|✅|☑|✔' };

const all = (kind: keyof Verbs): ReadonlySet<string> =>
  new Set(
    [...Object.values(VERBS), SIGNS]
      .flatMap((verbs) => verbs[kind].split('|').filter((verb) => verb !== ''))
      .map(normalise),
  );
export const APPROVES = all('approve');
export const REJECTS = all('reject');
export const SAYS_YES = all('yes');

const POLITE =
  'thanks|thank|you|thx|please|pls|many|cheers|best|kind|regards|approved|approve|go|ahead|proceed|danke|dank|vielen|bitte|gruß|grüße|viele|merci|beaucoup|gracias|grazie|obrigado|obrigada|bedankt|tack|tak|takk|kiitos|dziękuję|díky|děkuji|ďakujem|köszönöm|mulțumesc|teşekkürler|teşekkür|ederim|ευχαριστώ|спасибо|дякую|благодаря|شكرا|שכרא|תודה|धन्यवाद|谢谢|ありがとうございます|감사합니다|terima|kasih|cảm|ơn|ขอบคุณ|ขอบคุณครับ';
export const POLITE_WORDS: ReadonlySet<string> = new Set(POLITE.split('|').map(normalise));
