import { normalise, wordsOf } from './normalise.js';

/** Words that deny, condition or delay, by language. Any of them in an approval, of whichever language, makes it unclear. */
export const DOUBTS: Readonly<Record<string, string>> = {
  en: "not no never don't dont doesn't didn't won't wont can't cant cannot couldn't isn't aren't wasn't shouldn't wouldn't haven't hasn't nothing none neither nor without but however although though unless until except if when whenever once provided providing assuming wait hold stop cancel maybe perhaps only just before after first later tomorrow instead rather pending undo revert retract withdraw mistake wrong oops sorry joking kidding joke lol haha dreams sarcasm ironic question why what who how whether might could would should hardly barely nay false disagree refuse against ignore terrible bad unacceptable monday tuesday wednesday thursday friday saturday sunday subject half partial partially partly conditional conditionally condition conditions tentative tentatively provisional provisionally probably presumably possibly hopefully guess suppose think reluctantly protest nobody disregard scratch changed mind forget psych veto vetoed revoke revoked too expensive costly excessive reduce reduced smaller cheaper fewer less lower limit limited cap capped maximum most least almost nearly under below within awaiting await resubmit retry abort delete kill other another check ask talk discuss vacation holiday fails failed contingent contingently depending dependent depends minus excluding nah naw nope nvm nevermind jk halt postpone postponed delay delayed defer deferred suspend reconsider tonight isnt arent wasnt shouldnt wouldnt couldnt havent hasnt doesnt didnt aint change changes changing modify modified modification modifications modifying amend amended amendment amendments adjust adjusted adjustment adjustments revise revised revision switch swap replace use make hm hmm hmmm punk n accident accidentally erroneously reservation reservations caveat caveats inline nack nak withdrawn unsure doubt doubts doubtful clarify explain starting overnight evening afternoon noon midnight january february april june july august september october november december yet still kinda sorta mostly largely mainly eod eom eow tops ceiling cheap shorter must require requires required upon insofar inasmuch permitting allowing barring absent exception exceptions exceed exceeds exceeding gotcha fooled sike psyche lmao rofl xd said says imho imo assume believe reckon decide decides hell fuck fucking ass damn damned shit piss bugger dream dreaming awful horrible stupid nonsense rubbish bullshit ridiculous outrageous absurd insane waste pricey unnecessary pointless useless overpriced steep insufficient lacking missing incomplete unclear undecided unfinished premature redo rework resend careful beware forced coerced duress hostage hacked phishing spam scam fake draft placeholder lorem void skip drop pause paused pausing blocked banned scrap typo erratum correction dismiss dismissed recall recalled sooner brb remarks nonetheless waiting waits holding nuke trash parked desist exaggerated",
  de: 'nicht nein kein keine keinen keinem keiner nie niemals nichts aber jedoch sondern wenn falls sofern außer ausser ohne erst warte warten stopp moment vielleicht nur bevor nachdem später morgen doch stattdessen oder unter bedingung vorausgesetzt lehne ablehne widerspreche sobald vorbehalt vorbehaltlich scherz witz höchstens maximal mindestens teilweise halb hälfte weniger vergiss eventuell wahrscheinlich hoffentlich widerwillig solange soweit spaeter hoechstens ausgenommen abbrechen verschieben montag dienstag mittwoch donnerstag freitag samstag sonntag ändern ändere ändert änderung änderungen anpassen anpassung anpassungen ersetze nimm nehmt hm versehen versehentlich irrtum irrtümlich auflage auflagen einschränkung einschränkungen bauchschmerzen bedenken rücksprache übermorgen vorläufig vorerst einstweilen probeweise abzüglich ausnahme abgesehen insoweit abhängig eingeschränkt bedingt abbruch anhalten aufhören blödsinn quatsch unsinn teuer denkste pustekuchen falsch falsche ups hoppla korrektur verboten untersagt dagegen unsicher rückruf klären klär prüfen prüfe reden lediglich bloß ausschließlich einmalig zweimal kürzer billiger kleiner günstiger günstigerer statt anstelle andere anderen anderes anderer anderem sagt meinte dezember oktober lehnt übertrieben entscheiden entscheidet offen',
  fr: 'ne pas non jamais rien aucun aucune mais cependant toutefois sauf si sans attends attendez attendre peut être seulement avant après demain plutôt condition quand lorsque réserve réserves tard conditions moins maximum moitié partiellement probablement oubliez oublie blague vérifier pourvu annule annuler annulez lundi mardi mercredi jeudi vendredi samedi dimanche changer changez change changement changements modifier modifiez modification modifications remplacer remplacez utilisez contre erreur trompé rigole mdr ptdr trop hors rêves hélas bof interdit impossible doute doutes voyons pourquoi combien autre autres partiel partielle hormis excepté jusqu uniquement juste prochain prochaine arrêtez arrêter arrête janvier février décembre exagéré retire retirez retirer attente verra',
  es: 'no nunca nada ningún ninguna pero sino salvo excepto si sin espera espere esperen esperar quizás solo sólo antes después mañana condición cuando aunque tampoco condiciones tarde menos máximo mitad parcialmente probablemente olvida broma mientras cancela cancelar cancele lunes martes miércoles jueves viernes cambia cambie cambiar cambio cambios modifica modifique modificar modificación modificaciones usa use usar sujeto únicamente niego parar detener detengan deténgase equivocación equivoqué error demasiado imposible inaceptable jamás ojalá dudo dudas duda quizá veremos hablemos llámame cuánto quién otro otra parcial reducido reservas provisional jajaja próxima próximo pendiente retiro retracto retractarme exagerado',
  it: 'non no mai niente nessuno ma però tranne eccetto se senza aspetta aspetti aspettare forse solo prima dopo domani condizione quando purché riserva meno massimo metà parzialmente probabilmente dimentica scherzo scherzi tardi patto finché fintanto qualora appena annulla annullare lunedì martedì mercoledì giovedì venerdì sabato domenica cambia cambi cambiare cambiamenti modifica modifiche modificare usa usare riserve stasera soltanto unicamente fuorché contrario contraria fermatevi ferma fermo errore troppo vediamo parliamone chiamami perché quanto altro altra dubbi dubbio sospeso sospesa attesa ritiro ritirato confermare esagerato',
  pt: 'não nao nunca nada nenhum nenhuma mas porém exceto salvo se sem espera espere esperar talvez só somente apenas antes depois amanhã condição quando condições condicionalmente menos máximo metade parcialmente provavelmente brincadeira tarde contanto caso enquanto muda mude mudar mudança mudanças altera altere alterar alteração alterações use usar reservas unicamente negado nego contra pare parar adiar adiado adiada erro engano enganei demais veremos outro outra dúvida dúvidas próxima próximo pendente pendentes retiro confirmar exagerado',
  nl: 'niet geen nee nooit niets maar echter tenzij behalve als indien zonder wacht wachten misschien alleen pas voordat nadat later morgen mits wanneer voorbehoud voorwaarde minder maximaal helft gedeeltelijk waarschijnlijk grapje zodra zolang annuleer annuleren maandag dinsdag woensdag donderdag vrijdag zaterdag zondag wijzig wijzigen wijziging wijzigingen verander veranderen aanpassing aanpassingen gebruik volgende vanavond enkel slechts behoudens tijdelijk voorlopig deels tegen stoppen fout foutje grap duur onmogelijk verboden waarom hoeveel andere voorwaarden bevestigen',
  sv: 'inte ej icke nej aldrig inget ingen men dock utom om utan vänta kanske bara endast innan efter senare imorgon förutsatt när ifall villkor förbehåll såvida högst avbryt ändra ändring ändringar nästa ikväll förutom delvis avslag avslår nekas neka emot fel misstag skämt skojar skojade dyrt dyr varför avvaktar avvakta',
  da: 'ikke nej aldrig intet ingen men dog medmindre undtagen hvis uden vent måske kun før efter senere morgen forudsat når såfremt betingelse betinget forbehold højst annuller ændre ændring ændringer næste bortset delvist delvis afslag afslås afslår imod fejl spøg dyrt hvorfor udsæt udsat afventer afvente',
  no: 'ikke nei aldri ingenting ingen men dog unntatt hvis dersom uten vent kanskje bare kun før etter senere imorgen forutsatt når mindre såfremt betingelse betinget forbehold høyst avbryt endre endring endringer neste inntil bortsett delvis avslag avslås avslår imot feil spøk tuller dyrt hvorfor utsett utsatt tviler avventer avvente',
  fi: 'ei en emme eivät älä älkää koskaan mutta kuitenkin paitsi jos ellei ilman odota odottakaa ehkä vain ennen jälkeen myöhemmin huomenna kunhan kun mikäli edellyttäen edellytyksellä enintään peruuta ensi illalla ottamatta osittain seis peru perun peruttu virhe vahinko vahingossa vitsi vitsailen liian miksi toinen toista ehdolla odottaa',
  pl: 'nie nigdy nic żaden ale jednak chyba oprócz jeśli jeżeli bez czekaj poczekaj zaczekaj może tylko przed po później jutro pod warunkiem gdy dopiero dopóki warunek zastrzeżeniem najwyżej maksymalnie anuluj anuluję wstrzymaj zmień zmiana zmiany zmianą zmianami zmian popraw przeciw cofam błąd błędem drogo drogie dlaczego ile inne inny inną tamto poza wyłącznie wieczorem pomyłka pomyłkowo przyszłym czekam jeszcze',
  cs: 'ne není nikdy nic žádný ale však kromě pokud jestli jestliže když bez počkej počkejte možná jen pouze před až později zítra nesouhlasím podmínky podmínkou podmínka předpokladu dokud jakmile nejvýše zrušit zruš změň změňte změna změny změnou změnami uprav upravte proti omyl vtip drahé drahý draze proč kolik jiný jiné jinou druhé příští příliš čekám čekáme',
  sk: 'nie nikdy nič žiadny ale však okrem ak keď bez počkaj počkajte možno len iba pred až neskôr zajtra nesúhlasím podmienky podmienkou podmienka predpokladu akonáhle pokiaľ najviac zrušiť zruš proti omyl drahé drahý prečo koľko iný iné príliš budúci čakám čakáme',
  hu: 'nem ne soha semmi azonban előbb inkább szerintem hanem kivéve ha nélkül várj várjon várjatok talán csak előtt után később holnap feltéve amikor amennyiben feltétellel amint ameddig amíg utána legfeljebb mégse mégsem ellene állj hibás hibáztam vicc vicceltem túl lehetetlen tilos kétlem miért mennyi másik részben kizárólag jövő döntsön meggondolom meggondoltam',
  ro: 'nu niciodată nimic dar însă ci decât dacă fără așteaptă așteptați poate doar numai înainte după mâine condiția când maximum anulează anulați împotrivă oprește opriți amânat amânăm amână scump prea interzis imposibil celălalt diseară viitoare provizoriu eroare așteptare aștept răzgândesc',
  tr: 'değil hayır hayir hiç asla ama fakat ancak lakin eğer hariç olmadan bekle bekleyin belki sadece yalnızca önce sonra yarın şartıyla yok etmiyorum onaylamıyorum onaylamam şartı koşuluyla varsa olursa olduğunda takdirde yeter azami iptal değiştir değiştirin değişiklik değişiklikle ret karşıyım karşı dur durun durdur durdurun vazgeçtim ertele erteleyin yanlış yanlışlıkla hata hatalı şaka pahalı imkansız imkânsız yasak neden kaç diğeri kısmen şartlı koşullu geçici gelecek haftaya fazla akşam olamadım hatayla onaylarsa',
  el: 'δεν δε μην μη όχι οχι ποτέ τίποτα αλλά όμως ωστόσο εκτός αν εάν χωρίς περίμενε περιμένετε ίσως μόνο πριν μετά αύριο όταν εφόσον αρκεί μόλις ακύρωση υπό κατά λάθος ακριβό ακριβά γιατί πόσο άλλο άλλη μέρει έως επόμενη αναμένω',
  ru: 'не нет ни никогда ничего но однако а кроме если без подожди подождите стоп может только перед после позже завтра при условии когда пока шутка шучу условно частично максимум половину половина меньше наверное возможно передумал передумала случае лишь нельзя отмена отменить отменяю отказ отказать подождет подождёт отложить измени измените изменить изменение изменения изменениями поменяй поменяйте замени замените против дорого дороговато слишком позвоните почему сколько зачем другое другой другую другого другая вечером ночью неделе прикол жду ждем ждём подумаю подумать надо нужно уточнить обратно',
  uk: 'не ні ані ніколи нічого але однак проте крім якщо без зачекай зачекайте стоп може лише тільки перед після пізніше завтра умови коли поки випадку щойно відмова скасувати скасовую відкласти зміни змініть змінити зміна змінами заміни замініть проти дорого задорого чому скільки інше інший іншу інша ввечері тижня чекаю чекаємо треба потрібно уточнити подумаю',
  bg: 'не няма никога нищо но обаче освен ако без чакай изчакайте може само преди след после утре условие когато недей щом стига случай отказ отмени против спри спрете шега скъпо твърде защо колко друго другото другия следващата чакам чакаме',
  ar: 'لا لم لن ليس ليست غير لكن ولكن إلا إذا اذا لو بدون انتظر انتظروا ربما فقط قبل بعد غدا بشرط عندما طالما حال شرط حين إن باستثناء إلغاء جزئيا جزئي بتحفظ تحفظ تحفظات مؤقتا مؤقت أعترض اعترض ضد توقف توقفوا أوقف أوقفوا إيقاف ألغ ألغي الغاء أسحب سحب خطأ بالخطأ خطا أمزح مزحة مزاح غالي مكلف مستحيل ممنوع أشك لماذا كم الآخر آخر أخرى القادم المقبل الليلة بانتظار انتظار تراجعت',
  he: 'לא אל אין אבל אך אלא אם בלי חכה חכו המתן רגע אולי רק לפני אחרי מחר בתנאי כאשר בכפוף במידה ברגע בתנאים ביטול בטל חלקית חלקי זמנית זמני בהסתייגות הסתייגות מתנגד מתנגדת נגד עצור עצרו תעצרו לעצור מבוטל לבטל טעות בטעות צוחק צוחקת סתם בדיחה אסור ספק למה מדוע כמה השני אחר אחרת הבא הבאה הערב הלילה ממתין ממתינה ממתינים',
  hi: 'नहीं नही न मत लेकिन मगर परंतु परन्तु अगर यदि बिना रुको रुकिए शायद केवल सिर्फ पहले बाद कल जब बशर्ते शर्त रद्द अगले आंशिक अस्थायी विरोध खिलाफ ख़िलाफ़ रोको रोकें रोक वापस गलती ग़लती गलत मज़ाक मजाक महंगा महंगी असंभव मना संदेह शक क्यों कितना कितने दूसरा दूसरी इंतज़ार इंतजार',
  vi: 'không chưa đừng chẳng nhưng tuy trừ nếu chờ đợi khoan chỉ trước sau mai khi miễn kiện hủy huỷ',
  id: 'tidak tak bukan belum jangan tapi tetapi namun kecuali jika kalau bila tanpa tunggu mungkin hanya sebelum setelah nanti besok asalkan ketika asal selama apabila syarat sepanjang nggak ngga enggak gak ga batal tunda sebagian sementara bersyarat keberatan berhenti hentikan dibatalkan batalkan bercanda canda mahal kemahalan mustahil dilarang ragu kenapa mengapa berapa maksimal barangkali menunggu',
  ko: '안 못 단 만약 하지만 그러나 그런데 잠깐 보류 나중에 아마',
};

/** Words that do so together, and are harmless alone: in names, or in regards. */
export const DOUBTFUL_PHRASES: Readonly<Record<string, string>> = {
  en: "un approve|un approved|hang on|as long as|so long as|as soon as|in case|up to|at most|next week|next month|i object|second thought|second thoughts|out of office|yeah right|try again|that back|it back|call me|need to|wanted to|over my|in your|let me look|let me see|let me think|let me read|not to|the one from|different one|in error|turn it down|turn this down|turned down|please confirm|the weekend|this weekend|next weekend|see attached|see the attached|see attachment|see the attachment|in principle|in theory|in part|in parts|sort of|kind of|at night|the night|by night|an hour|a week|a month|a day|a minute|a sec|a second|a moment|one sec|few minutes|see me|ping me|let's chat|lets chat|speak to|speak with|like to see|like to know|i'd say|i'd rather|i'd prefer|one of them|one of those|one of the two|one time|get lost|nice try|try harder|fat chance|luck with that|my life|next life|my foot|to confirm|off the table|given that|the understanding|in the event|apart from|aside from|save for|bar the|bin it|dump it|end it|block it|park it|put it on|on ice|turn it off|shut it|fix it|fix the|fix this|add a|add the|more info|more information|more detail|more details|needs work|has to|have to|keep it short|keep it small|on spot|next quarter|next year|next time|end of the|over budget|for example|meant for|that was for|sure right|yeah sure|air quotes|null and|bear with|my comments|see notes|see comments|in line|i'm out|be right back|with comments|on confirmation|back burner|with care|fingers crossed|strike that|starts at|start at|test only|for testing|sleep on it|be confirmed|a rest|a budget of|typed this|pressed this|clicked this",
  de: 'von wegen|nehme zurück|nächste woche|naechste woche|nächsten monat|siehe anhang|am wochenende|heute nacht|heute abend|ab dem|nächsten jahr|nächstes jahr|zur probe|bis auf|bis zu|gesetzt den|im falle|je nach|ziehe ich|ein spaß|war spaß|zum spaß|spaß beiseite|mal sehen|schauen wir|melde mich|ruf mich|rufen sie mich|nach freigabe|nach rückfrage|nach prüfung|nach klärung|bestätigt werden|in teilen|noch offen',
  fr: 'tant que|dès que|par erreur|la semaine prochaine|ce soir|ce week|à partir|au plus|au cas|mauvais mail|mauvais message|à reporter|à voir|appelle moi|appelez moi|à valider|à confirmer',
  es: 'siempre que|siempre y cuando|en cuanto|sujeto a|ni hablar|por error|que viene|esta noche|ni loco|de coña|tal vez|lo mejor|a ver|por qué|muy caro|es caro|a confirmar',
  it: 'a patto|per errore|per sbaglio|prossima settimana|prossimo mese|fino a|troppo caro|è caro',
  pt: 'desde que|assim que|sujeito a|por engano|semana que|à noite|fora a|fora o|muito caro|vamos ver|vamos conversar|me liga|por que|por quê',
  sv: 'så länge|så snart|i kväll|upp till|skjut upp|tills vidare|hur mycket|ring mig|den andra|drar tillbaka|tar tillbaka',
  da: 'så længe|i aften|op til|den anden|ring til|trækker det tilbage|tager det tilbage',
  no: 'så lenge|i kveld|opp til|den andre|trekker tilbake|trekker det tilbake|tar tilbake',
  hu: 'de a|de az|de ez|de ezt|de még|de kérem|de legyen|de miért|de drága|de sok|de túl',
  pl: 'o ile|jak tylko',
  ro: 'odată ce|atâta timp cât|de ce',
  tr: 'yeter ki|geri alıyorum|geri çek|geri çekiyorum',
  ru: 'как только',
  uk: 'як тільки',
  ar: 'ما عدا',
  he: 'כל עוד|יקר מדי|יקר מידי|חוזר בי|חוזרת בי|חזרתי בי',
  nl: 'per ongeluk|per vergissing|bel me|tot vijftig|te duur|trek het in|trek dit in|trek ik in',
  el: 'το βράδυ|παίρνω πίσω',
  vi: 'một phần|tạm thời|phản đối|rút lại|nghi ngờ|tại sao|bao nhiêu|cái khác|tối đa|có lẽ|tối nay|bị lỗi|xem lại|đang chờ',
  id: 'minggu depan|bulan depan|malam ini|yang lain|tarik kembali|salah kirim|dengan catatan|yang salah|itu salah|saya tarik',
  ko: '다음 주|다음 달|오늘 밤',
  fi: 'vedän takaisin',
  cs: 'beru zpět',
};

/** How such words begin, where many languages bend their ends: to refuse, to cancel, to put off, to doubt, to err, to forbid. */
export const DOUBTS_BEGIN: Readonly<Record<string, string>> = {
  en: 'reject refus declin disapprov disallow denie denia denyi cancel forbid forbad prohibit withh hesita grudging concern restrict worr rescind nullif invalid overrul terminat discard shelv freez froz suspend ceas remov omit unjustif unafford unapprov oppos objecti justif elaborat skeptic sceptic regret',
  de: 'ablehn abgelehn zurückzieh zurückgezogen widerruf storn träum fehler verweiger weiger zweifel bezweif zöger verschieb verschob vorbehal',
  fr: 'rejet déclin stopp plaisant hésit inaccept annul',
  es: 'rechaz denieg deneg prohib deteng aplaz pospon inacept equivoc provision',
  it: 'rifiut respin sospen rimand rinvi sbagli impossib inaccett vietat dubit parzial provvisor',
  pt: 'ressalv recus rejeit inaceit imposs proib duvid provisor parcia',
  nl: 'uitgezond afwijz afgewez geannul uitstel uitgesteld vergiss onaccept twijfel voorwaard',
  sv: 'undantag preliminär avbrut uppskj omöjlig oacceptab förbju förbj tvek',
  da: 'undtag foreløb afslå umulig uacceptab forbud tvivl udskyd',
  no: 'foreløp avslå',
  fi: 'väliaikai varauks ehdoll hylkä hylät kieltäyd kiellet vastust pysäyt mahdot epäil epävar',
  pl: 'odmow odmaw odrzuc wstrzym anulow odwoł wycof odłoż odrocz pomył żart niemożliw zabron wątp zadzwo częściow warunk zastrzeż tymczas wstępn wyjątk sprzeciw',
  cs: 'odmít zamít zastav odvol zruš odlož odklád chyb žert zakáz pochyb částeč podmín výhrad předběž dočas výjimk',
  sk: 'zamiet odmiet pochyb čiastoč podmien predbež výnim',
  hu: 'elutas visszautas ellenz leállít visszavon töröl halas elhalas téved feltétel fenntart ideiglen',
  ro: 'resping refuz anula anule retrag greșeal glum îndoi condițion rezerv provizor excepț parția',
  tr: 'redded vazgeç ertel yanlış şüphe',
  el: 'απορρ αρνού σταματ ακυρ ανακαλ αναβολ αναβάλ αστεί αστειε αδύνατ απαγορ αμφιβ αμφέβ μερικ επιφύλ επιφυλ προσωριν',
  ru: 'отклон отказ отмен отзыв отзов отлож останов ошиб шутк шутю невозмож запре сомне частичн условн оговорк замечани временн предварит исключ',
  uk: 'відхил відмов скасу відклад відклик зупин помил жарт неможлив заборон сумнів частков умовн застереж тимчас',
  bg: 'отхвърл отмян оттегл грешк шегув невъзмож забран съмнява резерв',
};

/** The same in scripts that put no space between words, and in what others put inside a word. */
export const DOUBTS_INSIDE: Readonly<Record<string, string>> = {
  en: "n't",
  zh: '明天 稍后 以后 最多 至多 一半 部分 玩笑 撤回 不 没 未 别 勿 无 否 但 可是 然而 如果 若 除非 等 暂 先 仅 只 拒 驳 沒 無 別 暫 假如 倘 前提 条件 條件 下周 以後 之后 之後 必须 必須 取消 撤 改 换 換 反对 反對 停 作废 作廢 错 錯 误 誤 太贵 太貴 很贵 很貴 禁止 怀疑 懷疑 为什么 為什麼 多少 哈哈 呵呵 逗 其他 另一 另外 下个月 下個月 今晚 周一 星期 下午 临时 臨時 保留 再说 再說 再议 再議 看情况 视情况 看情況 視情況 或许 或許 可能 也许 也許 应该 應該 大概 试运行 手滑 吗 嗎 为限 為限 考虑 考慮 收回 需要 确认',
  ja: '後で 後に 明日 半分 冗談 条件 以内 以下 最大 取り消 ない ません なく しかし ただし でも けど もし 場合 待 たら なら まで だけ 却下 拒否 否認 が、 保留 次第 限り 限る 前提 来週 やめ 除 取消 中止 変更 修正 来月 今夜 今晩 明後日 月曜 火曜 水曜 木曜 金曜 土曜 日曜 一部の 一部を 一部承認 。一部 仮 反対 停止 撤回 間違 嘘 うそ 高すぎ 無理 疑問 なぜ 何故 どうして いくら (笑 。笑 たぶん 多分 おそらく 他の 別の 確認後 てから かもしれ 相談 検討 考え直 待ち',
  ko: '않 못 없 아니 지만 만약 말고 마세요 기다 보류 거절 거부 반려 으면 하면 후에 전에 조건 경우 하되 한해 까지 내일 취소 싫 변경 수정 불가 다음주 다음달 일부 임시 반대 중지 중단 멈춰 멈추 철회 실수 농담 ㅋㅋ ㅎㅎ 비싸 비쌉 비쌈 금지 의심 왜 얼마 아마도 다른 연기 최대 잘못 오류 검토 대기 생각해',
  th: 'ไม่ แต่ ถ้า หาก ยกเว้น รอ อย่า ยัง เฉพาะ ก่อน หลัง ปฏิเสธ เมื่อ เงื่อนไข พรุ่งนี้ ห้าม ยกเลิก คัดค้าน หยุด ผิด ล้อเล่น พูดเล่น แพง สงสัย ทำไม เท่าไหร่ เท่าไร อื่น อาจจะ บางส่วน ชั่วคราว คืนนี้ สัปดาห์หน้า ไหม มั้ย คิดดู',
  vi: 'dừng ngừng nhầm đùa đắt cấm hoãn',
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
const BEGINNINGS = split(DOUBTS_BEGIN).map(withoutAccents);
// Anything but these, in an approval, is a face that may mean the opposite.
const KIND_SIGNS = new Set(['👍', '✅', '☑', '✔', '👌', '🙏', '🙂', '😊', '🎉', '🚀', '❤']);
// Laughter, as it is written in many languages.
const LAUGHTER =
  /(?<![\p{L}\p{M}])(?:a?(?:h[aeiou]){2,}h?|(?:ah){2,}a?|(?:j[aei]){2,}j?|(?:[хx][аеио]){2,}х?|k{3,}|(?:rs){2,}|w{3,})(?![\p{L}\p{M}.])|(?<![\d(+-])555+(?![\d)/ -])/u;
// A number of something, and money: it may be the most that is meant.
const AMOUNT =
  /\p{Sc}|max\.?\s*\d|\b(?:one|two|three|four|single)\s+(?:gpus?|hours?|days?|weeks?|minutes?|runs?|steps?)\b|\d\s*(?:of|[x×%％]|max|gpus?|h|hrs?|hours?|min|minutes?|days?|weeks?|usd|eur|dollars?|euros?|stunden?|tage?n?|heures?|jours?|horas?|d[ií]as?|ore|giorni|час\p{L}*|小时|小時|時間|天|日)(?!\p{L})/iu;

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
  const word =
    words.find(
      (one) => WORDS.has(one) || BEGINNINGS.some((start) => withoutAccents(one).startsWith(start)),
    ) ?? INSIDE.find((one) => plain.includes(one));
  if (word !== undefined) return `"${word}"`;
  const spoken = [plain, spaced].map((form) => ` ${wordsOf(form).join(' ')} `);
  const phrase = PHRASES.find((one) => spoken.some((form) => form.includes(` ${one} `)));
  if (phrase !== undefined) return `"${phrase}"`;
  if (/[?؟;՞‽¿⸮]/u.test(plain)) return 'a question';
  if (AMOUNT.test(plain)) return 'an amount';
  if (LAUGHTER.test(plain)) return 'laughter';
  if (/(^|[^\p{L}])n'/u.test(plain)) return '"n\'"';
  if (/(^|\s)\/s(\s|$)/u.test(plain)) return '"/s"';
  // A box that is to be ticked, a formula, a face that frowns or winks, and a number that stands for no.
  const mark =
    /[☐☒✗✘✕=≠]|\[\s*\]|(?<!\S)(?:[:;]-?[(/\\|]|:-?p(?!\S)|;-?\)|\)-?:)|(?<![\p{L}\d])0(?![\p{L}\d])/u.exec(
      plain,
    );
  if (mark) return `"${mark[0]}"`;
  const sign = (plain.match(/\p{Extended_Pictographic}/gu) ?? []).find((one) => !KIND_SIGNS.has(one));
  return sign;
}
