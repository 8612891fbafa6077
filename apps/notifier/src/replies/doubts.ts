import { normalise, wordsOf } from './normalise.js';

/** Words that deny, condition or delay, by language. Any of them in an approval, of whichever language, makes it unclear. */
export const DOUBTS: Readonly<Record<string, string>> = {
  en: "not no never don't dont doesn't didn't won't wont can't cant cannot couldn't isn't aren't wasn't shouldn't wouldn't haven't hasn't nothing none neither nor without but however although though unless until except if when whenever once provided providing assuming wait hold stop cancel maybe perhaps only just before after first later tomorrow instead rather pending undo revert retract withdraw mistake wrong oops sorry joking kidding joke lol haha dreams sarcasm ironic question why what who how whether might could would should hardly barely nay false disagree refuse against ignore terrible bad unacceptable monday tuesday wednesday thursday friday saturday sunday subject half partial partially partly conditional conditionally condition conditions tentative tentatively provisional provisionally probably presumably possibly hopefully guess suppose think reluctantly protest nobody disregard scratch changed mind forget psych veto vetoed revoke revoked too expensive costly excessive reduce reduced smaller cheaper fewer less lower limit limited cap capped maximum most least almost nearly under below within awaiting await resubmit retry abort delete kill other another check ask talk discuss vacation holiday fails failed contingent contingently depending dependent depends minus excluding nah naw nope nvm nevermind jk halt postpone postponed delay delayed defer deferred suspend reconsider tonight isnt arent wasnt shouldnt wouldnt couldnt havent hasnt doesnt didnt aint change changes changing modify modified modification modifications modifying amend amended amendment amendments adjust adjusted adjustment adjustments revise revised revision switch swap replace use make hm hmm hmmm punk n accident accidentally erroneously reservation reservations caveat caveats inline nack nak withdrawn unsure doubt doubts doubtful clarify explain starting overnight evening afternoon noon midnight january february april june july august september october november december",
  de: 'nicht nein kein keine keinen keinem keiner nie niemals nichts aber jedoch sondern wenn falls sofern außer ausser ohne erst warte warten stopp moment vielleicht nur bevor nachdem später morgen doch stattdessen oder unter bedingung vorausgesetzt lehne ablehne widerspreche sobald vorbehalt vorbehaltlich scherz witz höchstens maximal mindestens teilweise halb hälfte weniger vergiss eventuell wahrscheinlich hoffentlich widerwillig solange soweit spaeter hoechstens ausgenommen abbrechen verschieben montag dienstag mittwoch donnerstag freitag samstag sonntag ändern ändere ändert änderung änderungen anpassen anpassung anpassungen ersetze nimm nehmt hm versehen versehentlich irrtum irrtümlich auflage auflagen einschränkung einschränkungen',
  fr: 'ne pas non jamais rien aucun aucune mais cependant toutefois sauf si sans attends attendez attendre peut être seulement avant après demain plutôt condition quand lorsque réserve réserves tard conditions moins maximum moitié partiellement probablement oubliez oublie blague vérifier pourvu annule annuler annulez lundi mardi mercredi jeudi vendredi samedi dimanche changer changez change changement changements modifier modifiez modification modifications remplacer remplacez utilisez',
  es: 'no nunca nada ningún ninguna pero sino salvo excepto si sin espera espere esperen esperar quizás solo sólo antes después mañana condición cuando aunque tampoco condiciones tarde menos máximo mitad parcialmente probablemente olvida broma mientras cancela cancelar cancele lunes martes miércoles jueves viernes cambia cambie cambiar cambio cambios modifica modifique modificar modificación modificaciones usa use usar',
  it: 'non no mai niente nessuno ma però tranne eccetto se senza aspetta aspetti aspettare forse solo prima dopo domani condizione quando purché riserva meno massimo metà parzialmente probabilmente dimentica scherzo scherzi tardi patto finché fintanto qualora appena annulla annullare lunedì martedì mercoledì giovedì venerdì sabato domenica cambia cambi cambiare cambiamenti modifica modifiche modificare usa usare',
  pt: 'não nao nunca nada nenhum nenhuma mas porém exceto salvo se sem espera espere esperar talvez só somente apenas antes depois amanhã condição quando condições condicionalmente menos máximo metade parcialmente provavelmente brincadeira tarde contanto caso enquanto muda mude mudar mudança mudanças altera altere alterar alteração alterações use usar',
  nl: 'niet geen nee nooit niets maar echter tenzij behalve als indien zonder wacht wachten misschien alleen pas voordat nadat later morgen mits wanneer voorbehoud voorwaarde minder maximaal helft gedeeltelijk waarschijnlijk grapje zodra zolang annuleer annuleren maandag dinsdag woensdag donderdag vrijdag zaterdag zondag wijzig wijzigen wijziging wijzigingen verander veranderen aanpassing aanpassingen gebruik',
  sv: 'inte ej icke nej aldrig inget ingen men dock utom om utan vänta kanske bara endast innan efter senare imorgon förutsatt när ifall villkor förbehåll såvida högst avbryt ändra ändring ändringar',
  da: 'ikke nej aldrig intet ingen men dog medmindre undtagen hvis uden vent måske kun før efter senere morgen forudsat når såfremt betingelse betinget forbehold højst annuller ændre ændring ændringer',
  no: 'ikke nei aldri ingenting ingen men dog unntatt hvis dersom uten vent kanskje bare kun før etter senere imorgen forutsatt når mindre såfremt betingelse betinget forbehold høyst avbryt endre endring endringer',
  fi: 'ei en emme eivät älä älkää koskaan mutta kuitenkin paitsi jos ellei ilman odota odottakaa ehkä vain ennen jälkeen myöhemmin huomenna kunhan kun mikäli edellyttäen edellytyksellä enintään peruuta',
  pl: 'nie nigdy nic żaden ale jednak chyba oprócz jeśli jeżeli bez czekaj poczekaj zaczekaj może tylko przed po później jutro pod warunkiem gdy dopiero dopóki warunek zastrzeżeniem najwyżej maksymalnie anuluj anuluję wstrzymaj zmień zmiana zmiany zmianą zmianami zmian popraw',
  cs: 'ne není nikdy nic žádný ale však kromě pokud jestli jestliže když bez počkej počkejte možná jen pouze před až později zítra nesouhlasím podmínky podmínkou podmínka předpokladu dokud jakmile nejvýše zrušit zruš změň změňte změna změny změnou změnami uprav upravte',
  sk: 'nie nikdy nič žiadny ale však okrem ak keď bez počkaj počkajte možno len iba pred až neskôr zajtra nesúhlasím podmienky podmienkou podmienka predpokladu akonáhle pokiaľ najviac zrušiť zruš',
  hu: 'nem ne soha semmi azonban előbb inkább szerintem hanem kivéve ha nélkül várj várjon várjatok talán csak előtt után később holnap feltéve amikor amennyiben feltétellel amint ameddig amíg utána legfeljebb mégse mégsem',
  ro: 'nu niciodată nimic dar însă ci decât dacă fără așteaptă așteptați poate doar numai înainte după mâine condiția când maximum anulează anulați',
  tr: 'değil hayır hayir hiç asla ama fakat ancak lakin eğer hariç olmadan bekle bekleyin belki sadece yalnızca önce sonra yarın şartıyla yok etmiyorum onaylamıyorum onaylamam şartı koşuluyla varsa olursa olduğunda takdirde yeter azami iptal değiştir değiştirin değişiklik değişiklikle',
  el: 'δεν δε μην μη όχι οχι ποτέ τίποτα αλλά όμως ωστόσο εκτός αν εάν χωρίς περίμενε περιμένετε ίσως μόνο πριν μετά αύριο όταν εφόσον αρκεί μόλις ακύρωση υπό',
  ru: 'не нет ни никогда ничего но однако а кроме если без подожди подождите стоп может только перед после позже завтра при условии когда пока шутка шучу условно частично максимум половину половина меньше наверное возможно передумал передумала случае лишь нельзя отмена отменить отменяю отказ отказать подождет подождёт отложить измени измените изменить изменение изменения изменениями поменяй поменяйте замени замените',
  uk: 'не ні ані ніколи нічого але однак проте крім якщо без зачекай зачекайте стоп може лише тільки перед після пізніше завтра умови коли поки випадку щойно відмова скасувати скасовую відкласти зміни змініть змінити зміна змінами заміни замініть',
  bg: 'не няма никога нищо но обаче освен ако без чакай изчакайте може само преди след после утре условие когато недей щом стига случай отказ отмени',
  ar: 'لا لم لن ليس ليست غير لكن ولكن إلا إذا اذا لو بدون انتظر انتظروا ربما فقط قبل بعد غدا بشرط عندما طالما حال شرط حين إن باستثناء إلغاء',
  he: 'לא אל אין אבל אך אלא אם בלי חכה חכו המתן רגע אולי רק לפני אחרי מחר בתנאי כאשר בכפוף במידה ברגע בתנאים ביטול בטל',
  hi: 'नहीं नही न मत लेकिन मगर परंतु परन्तु अगर यदि बिना रुको रुकिए शायद केवल सिर्फ पहले बाद कल जब बशर्ते शर्त रद्द',
  vi: 'không chưa đừng chẳng nhưng tuy trừ nếu chờ đợi khoan chỉ trước sau mai khi miễn kiện hủy huỷ',
  id: 'tidak tak bukan belum jangan tapi tetapi namun kecuali jika kalau bila tanpa tunggu mungkin hanya sebelum setelah nanti besok asalkan ketika asal selama apabila syarat sepanjang nggak ngga enggak gak ga batal tunda',
  ko: '안 못 단 만약 하지만 그러나 그런데 잠깐 보류 나중에',
};

/** Words that do so together, and are harmless alone: in names, or in regards. */
export const DOUBTFUL_PHRASES: Readonly<Record<string, string>> = {
  en: 'un approve|un approved|hang on|as long as|so long as|as soon as|in case|up to|at most|next week|next month|i object|second thought|second thoughts|out of office|yeah right|try again|that back|it back|call me|need to|wanted to|over my|in your|let me look|let me see|let me think|let me read|not to|the one from|different one|in error|turn it down|turn this down|turned down|please confirm|the weekend|this weekend|next weekend|see attached|see the attached|see attachment|see the attachment',
  de: 'von wegen|nehme zurück|nächste woche|naechste woche|nächsten monat|siehe anhang',
  fr: 'tant que|dès que|par erreur',
  es: 'siempre que|siempre y cuando|en cuanto|sujeto a|ni hablar|por error',
  it: 'a patto|per errore|per sbaglio',
  pt: 'desde que|assim que|sujeito a|por engano',
  sv: 'så länge|så snart',
  da: 'så længe',
  no: 'så lenge',
  hu: 'de a|de az|de ez|de ezt|de még|de kérem|de legyen|de miért|de drága|de sok|de túl',
  pl: 'o ile|jak tylko',
  ro: 'odată ce|atâta timp cât',
  tr: 'yeter ki',
  ru: 'как только',
  uk: 'як тільки',
  ar: 'ما عدا',
  he: 'כל עוד',
  nl: 'per ongeluk|per vergissing',
};

/** The same in scripts that put no space between words, and in what others put inside a word. */
export const DOUBTS_INSIDE: Readonly<Record<string, string>> = {
  en: "n't",
  zh: '明天 稍后 以后 最多 至多 一半 部分 玩笑 撤回 不 没 未 别 勿 无 否 但 可是 然而 如果 若 除非 等 暂 先 仅 只 拒 驳 沒 無 別 暫 假如 倘 前提 条件 條件 下周 以後 之后 之後 必须 必須 取消 撤 改 换 換',
  ja: '後で 後に 明日 半分 冗談 条件 以内 以下 最大 取り消 ない ません なく しかし ただし でも けど もし 場合 待 たら なら まで だけ 却下 拒否 否認 が、 保留 次第 限り 限る 前提 来週 やめ 除 取消 中止 変更 修正',
  ko: '않 못 없 아니 지만 만약 말고 마세요 기다 보류 거절 거부 반려 으면 하면 후에 전에 조건 경우 하되 한해 까지 내일 취소 싫 변경 수정 불가',
  th: 'ไม่ แต่ ถ้า หาก ยกเว้น รอ อย่า ยัง เฉพาะ ก่อน หลัง ปฏิเสธ เมื่อ เงื่อนไข พรุ่งนี้ ห้าม ยกเลิก',
};

const split = (lists: Readonly<Record<string, string>>, between = ' '): string[] =>
  Object.values(lists).flatMap((list) => list.split(between).map(normalise));
const UNMARKED = /[\u0300-\u036F\u0489]/gu;
const withoutAccents = (word: string): string => word.normalize('NFD').replace(UNMARKED, '').normalize('NFC');
// Many people type no accents, and Greek capitals have none. Of what they wrote none is taken off: "sí" is no "si".
const bothWays = (words: readonly string[]): string[] =>
  words.flatMap((word) => [word, withoutAccents(word)]);
const WORDS: ReadonlySet<string> = new Set(bothWays(split(DOUBTS)));
const PHRASES = bothWays(split(DOUBTFUL_PHRASES, '|'));
const INSIDE = split(DOUBTS_INSIDE);
// Anything but these, in an approval, is a face that may mean the opposite.
const KIND_SIGNS = new Set(['👍', '✅', '☑', '✔', '👌', '🙏', '🙂', '😊', '🎉', '🚀', '❤']);
// A number of something, and money: it may be the most that is meant.
const AMOUNT =
  /\p{Sc}|max\.?\s*\d|\b(?:one|two|three|four|single)\s+(?:gpus?|hours?|days?|weeks?|runs?)\b|\d\s*(?:[x×%％]|max|gpus?|h|hrs?|hours?|min|minutes?|days?|weeks?|usd|eur|dollars?|euros?|stunden?|tage?n?|heures?|jours?|horas?|d[ií]as?|ore|giorni|час\p{L}*|小时|小時|時間|天|日)(?!\p{L})/iu;

/** What in this text, written under an approval, puts it in doubt; undefined when nothing does. */
export function doubtOf(text: string): string | undefined {
  // A character that is not seen may stand in a word or between two, and strokes may be laid over letters.
  const spaced = normalise(text.replace(/\p{Cf}/gu, ' '));
  const plain = normalise(text);
  const bare = plain.replace(UNMARKED, '');
  const words = [plain, spaced, bare].flatMap((form) =>
    wordsOf(form).flatMap((word) => [
      word,
      ...(word.includes("'") ? word.split("'").flatMap((part) => [part, `${part}'`]) : []),
    ]),
  );
  const word = words.find((one) => WORDS.has(one)) ?? INSIDE.find((one) => plain.includes(one));
  if (word !== undefined) return `"${word}"`;
  const spoken = [plain, spaced].map((form) => ` ${wordsOf(form).join(' ')} `);
  const phrase = PHRASES.find((one) => spoken.some((form) => form.includes(` ${one} `)));
  if (phrase !== undefined) return `"${phrase}"`;
  if (/[?？؟;՞\u037E]/u.test(text)) return 'a question';
  if (AMOUNT.test(plain)) return 'an amount';
  if (/(^|[^\p{L}])n'/u.test(plain)) return '"n\'"';
  if (/(^|\s)\/s(\s|$)/u.test(plain)) return '"/s"';
  // A box that is to be ticked, a formula, a face that frowns or winks, and a number that stands for no.
  const mark = /[☐☒✗✘✕=≠]|\[\s*\]|(?<!\S)(?:[:;]-?[(/\\|]|;-?\))|(?<![\p{L}\d])0(?![\p{L}\d])/u.exec(plain);
  if (mark) return `"${mark[0]}"`;
  const sign = (plain.match(/\p{Extended_Pictographic}/gu) ?? []).find((one) => !KIND_SIGNS.has(one));
  return sign;
}
