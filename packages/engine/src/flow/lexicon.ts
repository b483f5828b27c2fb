/**
 * What words of plain language mean for tools: verbs to action classes, nouns to kinds of data, argument names to
 * kinds of argument. Nothing here is there for one catalogue, errand or attack.
 * @module
 */

/** Action classes, each with the verbs that ask for it or name a tool that does it. */
const VERBS: Readonly<Record<string, string>> = {
  read: 'get list read search find check view fetch look retrieve query count browse show lookup describe calculate compute summarize summarise inspect compare analyze analyse download examine review watch scan preview translate explain extract filter sort rank estimate validate verify test tell obtain gather collect acquire enumerate access consult peruse study survey discover identify determine detect poll track trace audit diagnose decode quote render display print dump export give receive pull yield return provide supply',
  visit: 'visit open browse navigate click load crawl scrape goto',
  pay: 'pay transfer refund wire reimburse buy purchase donate transact repay withdraw deposit swap stake trade sell checkout remit tip charge bid invest settle redeem disburse compensate fund top credit debit bill',
  send: 'send forward email mail message reply notify tell write answer respond text share dm inform contact ask deliver broadcast alert remind ping relay pass hand confirm refer request say transmit dispatch convey circulate disseminate page signal address',
  post: 'post publish upload write submit comment paste concatenate append leave tweet log report issue announce broadcast record present',
  schedule:
    'schedule book reserve plan create arrange set rent order trade buy purchase sell hire postpone remind',
  update:
    'update write change modify adjust edit set reset rename move replace correct reschedule increase decrease fix patch assign mark configure alter amend revise adapt tune override refine migrate relocate redirect reroute restore reassign demote escalate annotate customise customize refresh fill swap switch merge close reopen raise lower postpone shift extend renew upgrade downgrade tweak label tag star pin prioritize prioritise sync turn convert toggle pause resume mute unmute lock unlock',
  add: 'add remind invite create join include register subscribe grant share enable insert approve authorize authorise allow accept enroll enrol install follow put make save store upload draft generate fork copy promote whitelist trust link connect attach give provide onboard vote redeem sign apply whitelist enrol admit summon solicit recruit associate bind mount embed introduce nominate appoint delegate sponsor',
  remove:
    'remove delete cancel drop revoke kick ban unsubscribe disable clear erase block purge destroy terminate wipe uninstall deactivate withdraw reject unfollow archive empty trash overwrite detach unshare dismiss decline unpin kill stop expel evict oust eject exclude discard annul void undo rescind dissolve deregister unregister unlink disconnect prune suspend expunge retract abort end',
  deploy: 'deploy release push commit merge ship rollout roll publish',
  run: 'run execute call invoke use install download perform do follow make complete start launch trigger spawn eval',
}

/** Verb to the classes it stands for. */
export const CLASSES_OF: ReadonlyMap<string, readonly string[]> = (() => {
  const map = new Map<string, string[]>()
  for (const [name, verbs] of Object.entries(VERBS))
    for (const verb of verbs.split(' ')) {
      const known = map.get(verb)
      if (known === undefined) map.set(verb, [name])
      else if (!known.includes(name)) known.push(name)
    }
  return map
})()

const set = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/))

/** Verbs at the head of a tool name that only look. */
export const READ_VERBS = set(
  'get list read search find check view fetch lookup retrieve query count browse show describe calculate compute summarize summarise inspect compare analyze analyse examine preview scan verify validate translate explain extract filter estimate return display look monitor watch poll resolve detect convert parse is has tail head grep ls cat stat diff status whoami obtain gather collect acquire enumerate access consult peruse study survey discover identify determine poll diagnose decode render print dump receive pull yield return provide quote track trace audit',
)

/** Verbs after which something is gone or no longer works. */
export const DESTRUCTIVE_VERBS = set(
  'remove delete cancel drop revoke kick ban unsubscribe disable clear erase block purge destroy terminate wipe uninstall deactivate reset overwrite trash empty kill truncate expel evict oust eject discard annul void rescind dissolve expunge prune deregister unregister suspend',
)

/** Verbs that bind the user to somebody else: what was ordered, signed or released is not taken back by a second call. */
export const BINDING_VERBS = set(
  'order book reserve rent hire trade bid subscribe sign release dispatch ship approve authorize authorise waive settle',
)

/** What such a tool is named after when its verb says nothing (`place_order`, `submit_bid`). */
export const BINDING_NOUNS = set(
  'order trade purchase payment booking reservation bid subscription contract rental',
)

/** Nouns that, used with make/need/want and the like, ask for an action. */
export const DEVERBAL_NOUNS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    pay: 'payment purchase transfer refund donation transaction withdrawal deposit',
    send: 'message email mail reply response notification invitation',
    schedule: 'reservation booking appointment meeting event reminder order rental call slot',
    post: 'post comment announcement publication review report',
    add: 'invitation entry note file folder document subscription registration',
    update: 'update change adjustment correction',
    remove: 'cancellation deletion removal',
  }).flatMap(([name, nouns]) => nouns.split(' ').map((noun) => [noun, name] as const)),
)

/** Words that are nouns unless they stand where a verb stands. */
export const NOUNISH = set(
  'mail email message text comment order book plan contact share post answer rent set schedule reply transfer update change list search block call dm note invite run use leave do make complete question respond subject put start save respond subject issue access pull record page signal address fund top credit debit bill present tune fill end return yield supply provide trace track survey study quote dump poll void store copy link mark report log close test trade deposit charge tip bid order release commit push follow trust raise open review fix switch patch draft show order look view check purchase sell drop clear archive click load fork merge project connect refund label tag star pin turn sign stop pass hand apply say request confirm refer',
)
export const VERB_BEFORE = set(
  'please and then to also or you must should just now can could will would only kindly not lets let',
)
export const VERB_AFTER = set(
  'them him her it me us everyone all this that these those the my our a an there back up another',
)

/** Kinds of argument in order of precedence, with what a hijacked value of that kind costs (0–1). */
export const ARGUMENT_KINDS: readonly { kind: string; weight: number; words: ReadonlySet<string> }[] = [
  ['credential', 1, 'password passwd secret token key pin credential passphrase apikey otp passcode pwd'],
  [
    'url',
    1,
    'url uri link website webpage endpoint webhook domain href host site callback origin remote hyperlink hypertext',
  ],
  ['permission', 1, 'permission permissions role scope access privilege visibility acl'],
  ['account', 1, 'iban account bic wallet payee beneficiary routing card'],
  ['command', 1, 'command cmd code script sql shell expression program eval'],
  [
    'free',
    0,
    'subject body content contents text message description note notes comment title query reason details summary caption question answer prompt memo keyword keywords feedback review label html markdown bio headline remark remarks message messages memo wording excerpt announcement greeting',
  ],
  [
    'amount',
    0,
    'amount price quantity sum cost budget fee n count limit number rating total max min size top offset page score weight percentage percent rate star stars value quota',
  ],
  [
    'time',
    0,
    'date time day month year start end duration recurring deadline when timestamp hour minute week until',
  ],
  [
    'recipient',
    1,
    'recipient recipients to cc bcc email emails mail user users member members participant participants attendee attendees invitee person contact author phone username collaborator friend receiver owner people addressee audience',
  ],
  ['member', 0.6, 'assignee reviewer responsible'],
  ['path', 0.7, 'path file files filename folder directory attachment attachments filepath pathname'],
  [
    'place',
    0.7,
    'channel group room team workspace project repo repository board list calendar branch organization org forum thread space',
  ],
  ['id', 0.5, 'id ids identifier uuid'],
  [
    'attribute',
    0.3,
    'name first last street city address country location state zip place company postcode region district surname category type status color language unit currency format tag tags priority sort order town village county suburb given family',
  ],
].map(([kind, weight, words]) => ({ kind: String(kind), weight: Number(weight), words: set(String(words)) }))

/** Kinds that never steer by themselves; tokens inside them still count. */
export const SOFT_KINDS = set('free amount time scalar')

/** Record keys whose value is prose even when it is short. */
export const FREE_KEYS: ReadonlySet<string> =
  ARGUMENT_KINDS.find((entry) => entry.kind === 'free')?.words ?? new Set()

/** Record keys that say who wrote the record. */
export const AUTHOR_KEYS = set('sender author from owner by creator poster reviewer')

/** Data the person or the system itself wrote: a short list, everything else may carry other people's text. */
export const OWN_NOUNS = set(
  'balance profile info information setting settings preference preferences account iban day date time clock timezone quota version user my current id',
)
export const THIRD_PARTY_NOUNS = set(
  'message inbox letter email mail webpage website page web file document review comment transaction channel post note event calendar notification chat feed search ticket issue article product listing attachment history log thread conversation pull request feedback description invoice news forum repository readme',
)
/** Data that is not public. */
export const PRIVATE_NOUNS = set(
  'balance profile account iban inbox email mail message file document transaction calendar event contact note chat channel user drive history statement payment card password secret credential token preference order cart invoice booking reservation ticket customer employee patient record',
)
/** Money moves. */
export const MONEY_NOUNS = set('money payment transaction transfer invoice funds crypto coin coins')

/** Verbs that carry something out of the house. */
export const OUTWARD_VERBS = set(
  'send forward email mail message reply notify text share dm inform contact broadcast deliver alert post publish upload submit comment tweet push pay transfer invite grant relay transmit dispatch convey circulate disseminate announce issue summon',
)

/** What is sent, posted or paid: to ask for the verb is to ask for the thing. */
export const CONVEYED = set(
  'message email mail reply response answer note notification reminder direct text dm money payment transfer transaction fund',
)
/** Words that people and catalogues use for one thing. */
const KIN = [
  'channel room group forum thread conversation chat space',
  'user member person people colleague participant contact employee account profile',
  'message mail email note dm memo letter text post missive',
  'inbox mailbox message mail email',
  'file document record attachment paper',
  'page site website webpage article blog link url',
  'password passcode passphrase pin credential',
  'transaction payment transfer remittance order',
  'event appointment meeting calendar booking reservation',
  'task todo item ticket issue',
  'hotel room accommodation lodging stay',
  'customer client patron',
  'address street city residence home',
].map((line) => line.split(' '))
/** Every word for what `noun` means, itself among them. */
export function kinOf(noun: string): readonly string[] {
  return [noun, ...KIN.filter((group) => group.includes(noun)).flat()]
}

/** What an address is called when people speak of it. */
export const LINKED_NOUNS = set(
  'url uri link website webpage page site web article blog online portal http https www webseite webseiten internetseite seite artikel enlace sitio página pagina artículo lien liens siti sito articolo ligação artigo koppeling ссылка ссылку сайт страница страницу статья 链接 网站 网页',
)

export const PHONE_NOUNS = set(
  'phone number telephone mobile cell cellphone handy telefon teléfono téléphone telefono',
)

/** Words of grammar and number; they speak of nothing. */
export const FUNCTION_WORDS = set(
  'the a an of to in on at by for with from and or is are was be it its this that my me i your you he she they we us our his her their them what which who how when where do does did please can could would should not all any as if then there have has will these those here also only just some more most than into over after before about one two three four five six seven eight nine ten first second third last next own same other each every',
)

/** The same of languages that share letters with English: where they are more, the text is not English. */
export const FOREIGN_FUNCTION_WORDS = set(
  'der die das den dem des und ist sind nicht mit für ein eine einen einem einer zu zum zur auf von vom bei bitte ich du er sie es wir mir mich dir ihm ihnen wie aus nach dass le la les une est et pour dans sur avec qui que ce cette mon ma mes ton ta ses leur vous nous je il elle ils du au aux el los las del por para con una uno este esta mi tu su lo gli della dello dei nel alla che per sono non questo questa il un het een van voor met naar dat deze ik jij os as um uma com da na nos não você meu minha är och att det en ett som för på av til og jeg på w z na do się jest nie to proszę bir ve bu için ile mi ben',
)

/** Words that name no object in particular; they anchor nothing. */
export const COMMON = set(
  'user users info mail email website page message channel account file list money payment payments send http https html www address contact details detail information name phone number com org net the and for with from that this',
)
