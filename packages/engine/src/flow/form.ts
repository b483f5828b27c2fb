/**
 * What may be read as fields in the text that a tool gives back. Structure inside one writer's text is that writer's
 * statement, however it is laid out; only what a tool itself serialises makes fields. Which of the two a text is has to
 * be told from the tool, for whoever writes a text writes its layout.
 * @module
 */
import type { ToolRoles } from './roles.ts'

/**
 * `none`: one writer's text. `written`: the same, perhaps in an envelope that says whose it is; no field of it is data.
 * `closed`: forms that are closed in themselves (JSON, a literal, elements). `texts`: also records, data only where one
 * says whose or which it is. `records`: also records of any keys, and names one a line. `all`: also addresses one a line.
 */
export type Form = 'none' | 'written' | 'closed' | 'texts' | 'records' | 'all'

/** The form of a tool's own answers. */
export function formOf({ documentOutput, thirdPartyOutput, answers }: ToolRoles): Form {
  if (documentOutput) return 'none'
  if (!thirdPartyOutput) return 'all'
  return answers ?? 'closed'
}

/** What one person writes at a time, by a noun in the singular. */
const WRITTEN = new Set(
  'message mail email letter comment note memo post review article issue ticket description readme news thread transcript transcription text content contents webpage website page web url uri link document file pdf image screenshot scan ocr attachment resource feedback speech blog story chapter bio reply answer'.split(
    ' ',
  ),
)
/** The same, many of them. */
const GATHERED = new Set('inbox mailbox outbox feed forum chat conversation history log'.split(' '))
/** No plurals, for all their last letter. */
const SINGULAR = /^(?:news|contents|status|address|process|access|series|.*ss|.*us|.*is)$/
const LISTING_VERBS = new Set('search find list query browse filter lookup'.split(' '))
const WEB = new Set('web website webpage internet online page pages url site'.split(' '))

/** Is the answer one writer's text, and, if not, does it list records or such texts? By the tool's own words. */
export function answerOf(
  name: readonly string[],
  description: readonly string[],
  verbs: readonly string[],
): 'written' | 'records' | 'texts' | undefined {
  const nouns = name.filter((word) => word !== verbs[0])
  const told = description.slice(0, TOLD)
  const isMany = (word: string): boolean => /[a-z]s$/.test(word) && !SINGULAR.test(word)
  const lists =
    name.some((word) => GATHERED.has(word) || LISTING_VERBS.has(word)) ||
    nouns.some(isMany) ||
    verbs.some((verb) => LISTING_VERBS.has(verb))
  const isText = (word: string): boolean => WRITTEN.has(word) || WRITTEN.has(word.replace(/s$/, ''))
  if (lists && !nouns.some((word) => WEB.has(word)))
    return nouns.some((w) => isText(w) || GATHERED.has(w)) ? 'texts' : 'records'
  const isWritten = nouns.some((word) => WRITTEN.has(word)) || told.some((word) => WORDED.has(word))
  if (isWritten) return 'written'
  return nouns.some((word) => RECORDED.has(word)) ? 'texts' : undefined
}
/** What systems keep records of; nobody writes one as he likes. */
const RECORDED = new Set(
  'profile account balance setting settings preferences transaction payment event appointment calendar contact customer patient tenant employee user order cart booking reservation product card'.split(
    ' ',
  ),
)
const TOLD = 5
const WORDED = new Set('text transcript transcription contents'.split(' '))
