/**
 * What the user's words ask for and name. Only the user's own turns may enter here.
 * @module
 */
import {
  CLASSES_OF,
  DEVERBAL_NOUNS,
  FOREIGN_FUNCTION_WORDS,
  FUNCTION_WORDS,
  NOUNISH,
  VERB_AFTER,
  VERB_BEFORE,
} from './lexicon.ts'
import { clean, fold, singular, spelling, stem, unmix, words } from './normal.ts'
import { tokensOf } from './tokens.ts'

export interface Intent {
  /** Folded words of the user. */
  readonly text: string
  /** The same, unit by unit, as they are spelled; only where letters of them imitate others. */
  readonly spelling?: string
  readonly classes: readonly string[]
  readonly nouns: readonly string[]
  /** The user told the agent to act on what a source says. */
  readonly follows: boolean
  /** Told to do what a source asks for, not only to take particulars from it. */
  readonly tasks?: boolean
  /** Names in full, as first and last: `joaquin`, `aldermann`. */
  /** Words that stand where an order begins. */
  readonly heads?: readonly string[]
  readonly names?: readonly (readonly [string, string])[]
  /** False when the words are in a language whose verbs are not known here: nothing is concluded from their absence. */
  readonly understood: boolean
  /** Kinds of address the user spelled out (`url`, `email`, `account`, `phone`). */
  readonly tokenKinds: readonly string[]
}

const TASKS =
  /\b(?:follow|do|perform|complete|execute|carry out|handle|take care of|work (?:on|through))\b[^.\n]{0,60}\b(?:instruction|task|todo|to-do|action|step|request|item)s?\b|\b(?:every|each|all)\b[^.\n]{0,30}\b(?:item|task|todo|to-do|entry|entries|action|step|instruction)s?\b|\b(?:necessary|needed|required)\b|\bdo (?:what|whatever|as|everything)\b/i
/** To act on particulars that a source gives. */
const PARTICULARS =
  /\baccordingly\b|\bas (?:described|requested|mentioned|stated|specified|instructed|indicated|outlined)\b|\b(?:details|information|instructions?|info)\b[^.\n]{0,30}\b(?:in|from|on)\b/i
/** The same said in other languages. */
const FOLLOWS_ELSEWHERE =
  /(?<!\p{L})(?:(?:folge|befolge|erledige|führe)\p{L}*[^.\n]{0,60}(?:anweisung|aufgabe|schritt|punkt)\p{L}*|entsprechend|dementsprechend|(?:sigue|seguir|siga|haz|realiza|completa)[^.\n]{0,60}(?:instruccion|tarea|paso)\p{L}*|según (?:se indica|lo indicado)|(?:suis|suivez|suivre|effectue[rz]?|fais|faites)[^.\n]{0,60}(?:instruction|tâche|étape)\p{L}*|conformément|(?:segui|esegui|svolgi)[^.\n]{0,60}(?:istruzion|compit|attività)\p{L}*|(?:siga|faça|execute)[^.\n]{0,60}(?:instruç|taref)\p{L}*|(?:volg|doe|voer)[^.\n]{0,60}(?:instructie|taak|taken)\p{L}*|(?:следуй|выполни)\p{L}*[^.\n]{0,60}(?:инструкц|задани|задач)\p{L}*|按照|根据\S{0,12}(?:说明|指示)|(?:指示|手順)に従)/iu
/** Tasks that the user lists in the same breath are the user's own words, not a source to follow. */
const LISTED_HERE =
  /\b(?:the )?following (?:task|step|action|instruction|item)s?\b|\b(?:task|step|action|instruction)s?\b[^.\n]{0,40}:\s*(?:\n|1[.)])/gi

const LISTED_ELSEWHERE =
  /(?:folgenden?|siguientes|suivantes|seguenti|seguintes|volgende|следующ\p{L}*)\s+\p{L}+/giu

export function readIntent(raw: string): Intent {
  const cleaned = clean(raw)
  const text = unmix(cleaned)
  const list = words(text)
  const classes = new Set<string>()
  const heads = clauseHeads(text)
  list.forEach((word, i) => {
    // Told to me: an answer, not an effect.
    if (ANSWERS.has(word) && list[i + 1] === 'me') return
    for (const name of classesOf(word))
      if (!NOUNISH.has(stem(word)) || heads.has(word) || standsAsVerb(list, i)) classes.add(name)
    const noun = DEVERBAL_NOUNS.get(singular(word))
    if (noun === undefined) return
    const before = list.slice(Math.max(0, i - 4), i)
    // "Say so in a comment": the thing to be made stands behind the way to say it.
    const way = WAYS.has(list[i - 2] ?? '') && (list[i - 1] === 'a' || list[i - 1] === 'an')
    if (way || before.some((w) => MAKERS.has(w) || MAKERS.has(singular(w)))) classes.add(noun)
  })
  const told = text.replace(LISTED_HERE, ' ')
  const toldElsewhere = FOLLOWS_ELSEWHERE.test(text.replace(LISTED_ELSEWHERE, ' '))
  const folded = fold(text).replace(/\s+/g, ' ')
  const spelled = spelling(cleaned).replace(/\s+/g, ' ')
  return {
    text: folded,
    ...(spelled === folded ? {} : { spelling: spelled }),
    classes: [...classes],
    nouns: [...new Set(list.map(singular))],
    follows: toldElsewhere || TASKS.test(told) || PARTICULARS.test(told),
    tasks: toldElsewhere || TASKS.test(told),
    heads: [...heads],
    names: namesOf(text),
    understood: isEnglish(list),
    tokenKinds: [...new Set(tokensOf(text).map((token) => token.kind))],
  }
}

/** At least one function word of English in eight, or no running text at all. */
function isEnglish(list: readonly string[]): boolean {
  if (list.length < 4) return list.every((word) => /^[a-z]+$/.test(word))
  const english = list.filter((word) => FUNCTION_WORDS.has(word)).length
  const foreign = list.filter((word) => FOREIGN_FUNCTION_WORDS.has(word) && !FUNCTION_WORDS.has(word)).length
  return english * 8 >= list.length && english >= foreign
}

/** First words of sentences, list items and quoted orders: a verb there is an order, not a noun. */
function clauseHeads(text: string): ReadonlySet<string> {
  const heads = [...text.matchAll(/(?:^|[.!?:;\n]\s*|\d[.)]\s*|[-*•]\s+|,\s*)([A-Za-z]+)(?=\s)/g)]
  return new Set(heads.map((m) => (m[1] ?? '').toLowerCase()))
}

const WAYS = new Set('in as by with via'.split(' '))
const ANSWERS = new Set(['tell', 'show'])
const MAKERS = new Set(
  'make need want get set place arrange have request give create do like take'.split(' '),
)

const MAX_NAMES = 64
/** Two capitalised words in a row, the second of which may be the first of the next pair. */
function namesOf(text: string): (readonly [string, string])[] {
  const pairs = text.matchAll(/(?<!\p{L})(\p{Lu}\p{Ll}+)(?= (\p{Lu}\p{Ll}+(?:['’-]\p{L}+)*))/gu)
  return [...pairs]
    .slice(0, MAX_NAMES)
    .map((m) => [fold(m[1] ?? ''), words(fold(m[2] ?? '')).at(-1) ?? ''] as const)
}

function classesOf(word: string): readonly string[] {
  return [...new Set([...(CLASSES_OF.get(word) ?? []), ...(CLASSES_OF.get(stem(word)) ?? [])])]
}

function standsAsVerb(list: readonly string[], i: number): boolean {
  const before = list[i - 1]
  const after = list[i + 1]
  return before === undefined || VERB_BEFORE.has(before) || (after !== undefined && VERB_AFTER.has(after))
}
