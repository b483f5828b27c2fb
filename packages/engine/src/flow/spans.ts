/**
 * Sentences of a text and what each one does: state, ask, or talk to an agent. English and nine more languages by verb;
 * others have no verbs here and fall to the rules on fields, statements and anchors.
 * @module
 */
import { CLASSES_OF, NOUNISH } from './lexicon.ts'
import { words } from './normal.ts'
import { tokensOf } from './tokens.ts'

/** A sentence that does more than state. Offsets into the cleaned text. */
export interface Span {
  readonly start: number
  readonly end: number
  /** Marks of text written for an agent and not for a reader, summed; carried forward inside a block. */
  readonly marks: number
  /** The part of `marks` that nobody writes to a person. */
  readonly agentic: number
  /** Action classes asked for in clause position. */
  readonly asks: readonly string[]
}

/** Sentences of one text that are told apart; what comes after them is read in pieces. */
export const MAX_SENTENCES = 2000
/** Characters of a piece: of a longer sentence, and of what comes after the last sentence. */
const PIECE = 4000
/** Pieces overlap by this much, so that no order stands between two of them. */
const OVERLAP = 200

const UNSURE =
  'use contact text mail message set share block answer call run do check open view order plan rent comment dm report log trust link show look close test save store copy start click load fork mark'
const SURE_BLOCK = new Set(
  `${UNSURE} get list read search find fetch look retrieve query count browse lookup describe calculate compute summarize summarise tell examine watch scan preview verify extract filter sort rank estimate validate translate explain compare inspect analyze analyse swap trade tip charge bid stake deposit review release draft invest merge raise lower pull push commit fix patch connect follow archive empty trash put log postpone shift extend renew upgrade downgrade tweak label tag star pin prioritize prioritise sync turn convert attach give provide onboard vote redeem sign apply detach unshare dismiss decline unpin kill stop alert remind ping relay pass hand settle say request confirm refer toggle pause resume mute unmute lock unlock obtain gather collect acquire enumerate access consult peruse study survey discover identify determine detect poll track trace audit diagnose decode quote render display print dump export receive pull yield return provide supply page signal address fund top credit debit bill present tune fill end issue record void close order lend borrow announce refresh restore introduce associate embed abort circulate`.split(
    ' ',
  ),
)
const SURE = [...CLASSES_OF.keys()]
  .filter((verb) => !SURE_BLOCK.has(verb))
  .concat('ignore', 'disregard', 'forget', 'give')
const CLAUSE_START = String.raw`(?:^\s*(?:[-*>\d.)]+\s+)?|[:;!_>"'*]\s*|(?<=[a-z])\.(?=[A-Z])|\b(?:please|do|then|and|must|should|shall|to first|first|now|can you|could you|you need to|you have to|you are to|make sure to|be sure to|remember to|kindly)\s+)`
const NOT_NOUN = String.raw`(?!\s*(?:is|was|are|of|address|id)\b|\s*[:=-]|[\w.-]*@)`
const IMPERATIVE = new RegExp(
  `${CLAUSE_START}(${[...SURE, ...UNSURE.split(' ').slice(0, 12)].sort().join('|')})\\b${NOT_NOUN}`,
  'gi',
)

// A capital letter behind a word without a stop: somebody's next sentence, pasted after the last one.
const RUN_ON = /(?<=[\p{L}\p{N})]\s)([A-Z][a-z]+)\s+([\p{Ll}\d'"“][\p{L}\d]*)/gu
const SURE_VERBS = new Set(SURE)
const UNSURE_VERBS = new Set(UNSURE.split(' '))
const OBJECT = /^(?:\d|(?:the|a|an|all|this|that|these|those|them|it|my|your|our|his|her|their|every|each)$)/
/** The verb of a sentence that was pasted behind another one; undefined for a name in capitals. */
function runOnVerb(capitalised: string, next: string): string | undefined {
  const verb = capitalised.toLowerCase()
  return SURE_VERBS.has(verb) || (UNSURE_VERBS.has(verb) && OBJECT.test(next)) ? verb : undefined
}

// A word that is a noun as often as a verb, at the head of a sentence and before an object.
const AMBIGUOUS = [...SURE_BLOCK].filter((verb) =>
  (CLASSES_OF.get(verb) ?? []).some((name) => name !== 'read' && name !== 'visit'),
)
const OPENING = new RegExp(
  `^\\s*(${[...new Set([...UNSURE.split(' '), ...AMBIGUOUS])].join('|')})\\s+(?:\\d|(?:the|a|an|all|this|that|these|those|them|it|my|your|our|his|her|every|each|from)\\b)`,
  'i',
)

// Imperatives and polite requests of action verbs; a root stands for its endings.
const FOREIGN: readonly (readonly [string, string])[] = [
  [
    'pay',
    'überweis\\w*|bezahl\\w*|zahle\\w*|transfier\\w*|paga|pague|paguen|pagar|envíe dinero|vire[zr]?|versez|effectue[zr]?|trasferisc\\w*|paghi|bonific\\w*|transfira|betaal|maak over|переведи\\w*|оплати\\w*|转账|支付|汇款|振り込\\p{L}*|送金\\p{L}*',
  ],
  [
    'send',
    'schick\\w*|send(?:e|en sie)|envía\\w*|envíe\\w*|enviar|manda\\w*|envoie\\w*|envoye[zr]|invia\\w*|inviare|envie\\w*|stuur|verstuur|отправь\\w*|пошли\\w*|发送|寄给|送\\p{L}{0,3}ください|送信\\p{L}*',
  ],
  [
    'post',
    'veröffentlich\\w*|poste\\w*|publica\\w*|publique\\w*|publie[zr]?|pubblica\\w*|plaats|опубликуй\\w*|发布|投稿\\p{L}*',
  ],
  [
    'visit',
    'besuch\\w*|öffne\\w*|ruf\\w* .{0,40}\\bauf|visita\\w*|visite\\w*|abre|abra|ouvre[zr]?|consulte[zr]|apri|bezoek|посети\\w*|открой\\w*|访问|打开|開い\\p{L}*|アクセス\\p{L}*',
  ],
  [
    'update',
    'änder\\w*|aktualisier\\w*|cambia\\w*|cambie\\w*|modifi\\w*|actualiza\\w*|change[zr]|mets à jour|mettez à jour|altere|altera|wijzig|измени\\w*|обнови\\w*|更改|修改|変更\\p{L}*',
  ],
  [
    'add',
    'lade\\w*|füge\\w*|einlad\\w*|invita\\w*|invite[zr]?|añad\\w*|agreg\\w*|ajoute[zr]?|aggiung\\w*|adicion\\w*|convid\\w*|nodig|voeg|добавь\\w*|пригласи\\w*|添加|邀请|招待\\p{L}*|追加\\p{L}*',
  ],
  [
    'remove',
    'lösch\\w*|entfern\\w*|elimin\\w*|borr\\w*|supprime[zr]?|retire[zr]?|rimuov\\w*|cancell\\w*|remov[ae]\\w*|exclua|verwijder|удали\\w*|删除|移除|削除\\p{L}*',
  ],
  [
    'schedule',
    'buch\\w*|reservier\\w*|reserva\\w*|reserve\\w*|réserve[zr]?|prenota\\w*|boek|забронируй\\w*|预订|予約\\p{L}*',
  ],
]
const FOREIGN_START = String.raw`(?:^|[\s:;!.,>"'*(¡¿，。：]|(?<=[\p{Script=Han}\p{Script=Hiragana}]))`
const FOREIGN_RULES = FOREIGN.map(([name, roots]) => ({
  name,
  pattern: new RegExp(
    `${FOREIGN_START}(?:${roots.replaceAll('\\w*', '\\p{L}*')})(?![\\p{Script=Latin}\\p{Script=Cyrillic}])`,
    'iu',
  ),
}))
const MAYBE_FOREIGN =
  /[^\p{ASCII}]|\b(?:bitte|und|der|das|ein|an|auf|por favor|para|los|las|una|el|la|de|les|des|pour|alla|per|una|het|een|naar|al)\b/iu

const HOSTILE: readonly { weight: number; agentic: boolean; pattern: RegExp }[] = [
  // Overriding what the agent was told.
  [
    2,
    true,
    String.raw`\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|all|other|these|your)\b`,
  ],
  [
    2,
    true,
    String.raw`\b(?:ignorier\w*|vergiss|ignora|ignore[zr]?|olvida|oublie[zr]?|dimentica|esqueça|negeer)\b[^.\n]{0,40}\b(?:vorherig\w*|bisherig\w*|alle|anterior\w*|todas?|précédent\w*|toutes|precedent\w*|tutte|vorige)`,
  ],
  [
    2,
    true,
    String.raw`(?:忽略|无视|無視|игнорируй|забудь)\S{0,20}(?:之前|以前|先前|以上|前|指示|指令|предыдущ|все)`,
  ],
  // Addressing the agent.
  [
    1.5,
    true,
    String.raw`\b(?:to you,|dear|you are|hey|hello|attention|as|note to)\s+(?:an?\s+|the\s+|any\s+|all\s+)?(?:ai\b|a\.i\.|llm|(?:ai |large |language )*(?:language )?model|(?:ai |virtual )?assistant|(?:ai )?agent|chatbot|bot\b|gpt)`,
  ],
  // Speaking of the task that the reader was given.
  [
    1.5,
    false,
    String.raw`\b(?:task|question|request|instruction|job|work)s?\b[^.\n]{0,30}\b(?:i|that i|user|we)\s+(?:gave|give|assigned|asked)`,
  ],
  [0.7, false, String.raw`\b(?:important|urgent|attention|warning)\s*!{1,}`],
  [
    0.7,
    true,
    String.raw`<\/?\s*[A-Z][A-Z_ ]{3,}\s*\/?>|\[\/?(?:INST|SYSTEM|ADMIN)[^\]]{0,40}\]|<\|[a-z_]+\|>|^\s*(?:system|assistant|user|human)\s*:|###\s*(?:system|instruction)`,
  ],
  [
    1,
    true,
    String.raw`\bwithout (?:asking|confirm|telling|informing|notifying|permission|approval)|\bdo(?: not|n't) (?:ask|tell|mention|inform|confirm|notify)|\bsecretly\b`,
  ],
  [
    1.5,
    true,
    String.raw`\b(?:use|call|invoke) (?:the )?(?:[\w.]+ )?(?:tool|function)\b|\bwith the (?:following )?arguments?\b`,
  ],
].map(([weight, agentic, source]) => ({
  weight: Number(weight),
  agentic: agentic === true,
  // Pseudo tags are written in capitals; everything else is matched in any case.
  pattern: new RegExp(String(source), /\[A-Z\]/.test(String(source)) ? 'm' : 'im'),
}))

/** An aside for the reader, not a request. */
const ASIDE =
  /\([^()]{0,200}\)|\b(?:see|visit|check(?: out)?)\b[^.\n]{0,40}\bfor (?:more |further )?(?:details|info|information)\b[^.\n]{0,10}/gi

const SENTENCE =
  /(?<=[.!?。！？])\s+|(?<=[。！？])|(?<=[a-z0-9%)\]][.!?])(?=[A-Z][A-Za-z]+[:\s])|\n\s*\n|\n(?=[ \t]*[A-Z<*\d-])|(?=<[A-Z]{4,})|(?<=>)\s/g

/** `Contact person:` at the head of a line names what follows; `Send money to:` asks. */
const LABEL = /(?<=^|\n)([ \t>*-]*)([A-Za-z]+)((?: [a-z]+){0,2})(?=:\s)/g
function labelKept(whole: string, lead: string, head: string): string {
  return NOUNISH.has(head.toLowerCase()) && !/ (?:to|the|my|us|me|all)$/.test(whole)
    ? `${lead}${LABELLED}`
    : whole
}
const LABELLED = '\u2026'

/** Imperatives in a sentence, as action classes. */
function asksOf(sentence: string): string[] {
  const bare = sentence.replace(ASIDE, ' ').replace(LABEL, labelKept)
  const classes = new Set<string>()
  let asked = false
  const opening = OPENING.exec(bare)
  if (opening !== null) {
    asked = true
    for (const name of CLASSES_OF.get((opening[1] ?? '').toLowerCase()) ?? [])
      if (name !== 'read') classes.add(name)
  }
  for (const m of bare.matchAll(IMPERATIVE)) {
    asked = true
    for (const name of CLASSES_OF.get((m[1] ?? '').toLowerCase()) ?? [])
      if (name !== 'read') classes.add(name)
  }
  for (const m of bare.matchAll(RUN_ON)) {
    const verb = runOnVerb(m[1] ?? '', m[2] ?? '')
    if (verb === undefined) continue
    asked = true
    for (const name of CLASSES_OF.get(verb) ?? []) if (name !== 'read') classes.add(name)
  }
  if (MAYBE_FOREIGN.test(bare))
    for (const rule of FOREIGN_RULES) if (rule.pattern.test(bare)) classes.add(rule.name)
  if (asked && classes.size === 0) classes.add('run')
  return [...classes]
}

/** In a sentence that talks to an agent every action word counts, wherever it stands. */
function mentioned(sentence: string): string[] {
  const classes = new Set(asksOf(sentence))
  for (const word of words(sentence))
    for (const name of CLASSES_OF.get(word) ?? []) if (name !== 'read') classes.add(name)
  return [...classes]
}

/** The sentences of a cleaned text that do more than state, in order. */
export function spansOf(text: string): Span[] {
  const spans: Span[] = []
  if (text.length < 6) return spans
  let carry = 0
  let carryAgentic = 0
  for (const [start, end] of pieces(text)) {
    const sentence = text.slice(start, end)
    let marks = 0
    let agentic = 0
    for (const rule of HOSTILE)
      if (rule.pattern.test(sentence)) {
        marks += rule.weight
        if (rule.agentic) agentic += rule.weight
      }
    const asks = agentic > 0 && marks >= 1.5 ? mentioned(sentence) : asksOf(sentence)
    const own = marks
    marks = Math.max(marks, carry)
    agentic = Math.max(agentic, carryAgentic)
    if (marks > 0 || asks.length > 0) spans.push({ start, end, marks, agentic, asks })
    // A mark taints what follows it in the same text until a closing tag, never what stood before.
    if (own >= 1.5) {
      carry = Math.max(carry, own)
      carryAgentic = Math.max(carryAgentic, agentic)
    }
    if (/<\/[A-Z]/.test(sentence)) carry = carryAgentic = 0
  }
  return spans
}

/** Sentences, none of them longer than a piece. Nothing of the text is left out, however it is padded. */
function* pieces(text: string): Generator<[number, number]> {
  let count = 0
  for (const [start, end] of sentences(text)) {
    const last = ++count > MAX_SENTENCES
    const stop = last ? text.length : end
    for (let at = start; at < stop; at += PIECE - OVERLAP) {
      yield [at, Math.min(stop, at + PIECE)]
      if (at + PIECE >= stop) break
    }
    if (last) return
  }
}

function* sentences(text: string): Generator<[number, number]> {
  let from = 0
  for (const m of text.matchAll(SENTENCE)) {
    const at = m.index
    if (at > from && text.slice(from, at).trim() !== '') yield [from, at]
    from = at + m[0].length
  }
  if (from < text.length && text.slice(from).trim() !== '') yield [from, text.length]
}

/** Does a value read as a request itself? Names and addresses do not. */
export function isRequest(text: string): boolean {
  if (text.length <= 20 || !/\s/.test(text)) return false
  return spansOf(text).some((span) => span.marks >= 1 || span.asks.length > 0)
}

/** A request that carries an address: the shape of an order to act on something. */
export function asksWithToken(text: string, span: Span): boolean {
  return span.asks.length > 0 && tokensOf(text.slice(span.start, span.end), 1).length > 0
}
