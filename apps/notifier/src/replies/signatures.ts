import { doubtOf } from './doubts.js';

const SENT_FROM = [
  /^sent (?:from|via|with) .{2,60}$/iu,
  /^get outlook for (?:ios|android|mac)/iu,
  /^(?:von meinem .{2,40} gesendet|gesendet (?:von|mit|über) .{2,60}|outlook für .{2,30})$/iu,
  /^(?:envoyé (?:de|depuis|avec) .{2,60}|télécharger outlook .{2,30})$/iu,
  /^(?:enviado (?:desde|do|de|pelo|con) .{2,60}|obtener outlook .{2,30}|obter o outlook .{2,30})$/iu,
  /^(?:inviato (?:da|dal|con) .{2,60}|ottieni outlook .{2,30})$/iu,
  /^(?:verstuurd vanaf|verzonden (?:vanaf|met)) .{2,60}$/iu,
  /^(?:skickat från|sendt fra|lähetetty|wysłane z|odesláno z|odoslané z|trimis de pe) .{2,60}$/iu,
  /^(?:отправлено с|надіслано з|изпратено от|στάλθηκε από) .{2,60}$/iu,
  /^(?:.{2,40} (?:'?(?:dan|den|tan|ten)) gönderildi|.{2,30}から送信|发自我的.{0,30}|나의 .{2,30}에서 보냄|أرسلت من .{2,40}|נשלח מה.{2,40}|đã gửi từ .{2,40}|dikirim dari .{2,40}|ส่งจาก.{2,40})$/iu,
];
const DISCLAIMER =
  /^(?:(?:confidentiality notice|disclaimer\s*:).{0,2000}\b(?:e-?mail|message|communication|recipient|addressee)s?\b|this (?:e-?mail|message)\b.{0,80}\b(?:confidential|intended|privileged)|diese (?:e-?mail|nachricht) .{0,80}vertraulich|ce (?:message|courriel) .{0,80}confidentiel|este (?:mensaje|correo|mensagem) .{0,80}confidencial|questo messaggio .{0,80}riservat|dit bericht .{0,80}vertrouwelijk)/iu;

// What many houses write below their mails in other words, of which a person writes none.
const LEGAL =
  /^(?:(?:important |legal )?notice\s*:|the (?:information|contents?) (?:contained |transmitted )?(?:in|by|of|with) this|this communication\b)(?=.{0,600}\b(?:confidential|privileged)\b)(?=.{0,1200}\b(?:recipient|addressee)s?\b)/iu;
const PRINTING =
  /^(?:please )?(?:consider|think (?:about|of)) the environment before (?:you )?print(?:ing)? (?:of )?(?:this|the) (?:e-?mail|message)[.!]?$/iu;

export const isSignatureMark = (line: string): boolean => /^-- $/u.test(line);
// "Sent from my heart: no" is no such line, and neither is "Sent from my iPhone by mistake".
const PROGRAM =
  /iphone|ipad|android|samsung|galaxy|outlook|gmail|yahoo|proton|mobile|blackberry|handy|smartphone|thunderbird|\bmail\b/iu;
export const isSentFrom = (line: string): boolean =>
  PROGRAM.test(line) &&
  line.trim().split(/\s+/u).length <= 8 &&
  !/[,;!?]|[:.]\s/u.test(line) &&
  SENT_FROM.some((form) => form.test(line.trim())) &&
  doubtOf(line) === undefined;
// What no lawyer writes below the mails of a whole house.
const DECIDES =
  /\bi\b|\bich\b|\bj'|approv|reject|genehmig|ablehn|abgelehnt|approuv|refus|aprob|rechaz|rifiut|aprova|rejeit|goedk|afwij|afgew|\b(?:jobs?|run|gpus?|budget|joke|stop|cancel|wait|later|small|cheap)/iu;
/** Of a paragraph as one line: one that speaks of a decision is its writer's own. */
export const isDisclaimer = (paragraph: string): boolean =>
  [DISCLAIMER, LEGAL, PRINTING].some((form) => form.test(paragraph.trim())) && !DECIDES.test(paragraph);
