/**
 * One spelling for values and texts: NFKC, invisible characters gone, lookalike letters mapped to one letter, case and
 * outer markup dropped. `clean` keeps case and lines (for sentences); `fold` is what values are compared in. `fold` maps
 * one UTF-16 unit to one unit, so offsets in a cleaned text hold in its folded form.
 * @module
 */

// Format, control and variation characters that show nothing; also soft hyphens, tag characters and fillers.
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|\p{Cf}|\p{Cc}/gu
const HORIZONTAL = /[^\S\n]+/g

/** UTS #39 style skeleton for the letters that are used to imitate Latin ones; one unit in, one unit out. */
const LOOKALIKE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аαɑ',
    b: 'ьЬ',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еёє',
    g: 'ɡ',
    h: 'һ',
    i: 'іıɩιİ',
    j: 'ј',
    k: 'кκ',
    l: 'ӏℓ',
    m: 'м',
    n: 'пη',
    o: 'оοօσ',
    p: 'рρ',
    q: 'ԛ',
    r: 'г',
    s: 'ѕ',
    t: 'тτ',
    u: 'υս',
    v: 'νѵ',
    w: 'ԝω',
    x: 'хχ',
    y: 'уγү',
    z: 'ᴢ',
    A: 'АΑ',
    B: 'ВΒ',
    C: 'СϹ',
    E: 'ЕΕЁ',
    H: 'НΗ',
    I: 'ІΙӀ',
    J: 'Ј',
    K: 'КΚ',
    M: 'МΜ',
    N: 'Ν',
    O: 'ОΟ',
    P: 'РΡ',
    S: 'Ѕ',
    T: 'ТΤ',
    X: 'ХΧ',
    Y: 'УΥ',
    Z: 'Ζ',
    '-': '‐‑‒–—−',
    "'": '‘’ʼ′',
    '"': '“”„″',
    '/': '∕⁄',
    '.': '․',
    ':': '꞉∶',
    '@': '＠',
  }).flatMap(([to, from]) => [...from].map((c) => [c, to] as const)),
)
const NON_ASCII = /[^\p{ASCII}]/u

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\n', t: ' ' }

/** Text as a reader sees it: NFKC, nothing invisible, literal `\n` as a line break, runs of blanks as one. */
export function clean(text: string): string {
  let out = text.replace(/\r\n?/g, '\n')
  if (NON_ASCII.test(out)) out = out.normalize('NFKC')
  if (out.includes('\\'))
    // Begun only where a run of backslashes begins: from each of them, a long run would take quadratic time.
    out = out.replace(/(?<!\\)\\+([nrt])(?![a-z]{2,}[\\/])/g, (_, c: string) => ESCAPES[c] ?? ' ')
  out = out.replace(INVISIBLE, (c) => (c === '\n' ? c : c === '\t' ? ' ' : ''))
  return ungrouped(out.replace(HORIZONTAL, ' ').replace(/ ?\n ?/g, '\n'))
}

// An IBAN in groups of four (ISO 13616), a card number in groups, a telephone number with its separators (E.123).
const GROUPED_ACCOUNT =
  /\b[A-Z]{2}\d{2} [A-Z0-9]{4}(?: (?=[A-Z]{0,3}\d)[A-Z0-9]{4}){1,6}(?: (?=[A-Z]{0,2}\d)[A-Z0-9]{1,3})?\b/g
const GROUPED_CARD = /\b(?!(?:(?:19|20)\d\d[ -]){3})\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}\b/g
const GROUPED_PHONE = /\+\d[\d ().-]{7,18}\d/g
/** Numbers that people write in groups, as one: the same number is the same value. */
function ungrouped(text: string): string {
  if (!/\d[ ).-]/.test(text)) return text
  return text
    .replace(GROUPED_ACCOUNT, (number) => number.replaceAll(' ', ''))
    .replace(GROUPED_CARD, (number) => number.replace(/[ -]/g, ''))
    .replace(GROUPED_PHONE, (number) => number.replace(/[^+\d]/g, ''))
}

/** Lookalike letters to the letter they imitate, unit by unit. */
export function skeleton(text: string): string {
  if (!NON_ASCII.test(text)) return text
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    out += LOOKALIKE.get(c) ?? c
  }
  return out
}

/** The comparable form of a cleaned text; the same length as its input. */
export function fold(cleaned: string): string {
  return skeleton(lowered(skeleton(cleaned))).replace(/\n/g, ' ')
}

function lowered(text: string): string {
  const lower = text.toLowerCase()
  return lower.length === text.length ? lower : [...text].map(lowerUnit).join('')
}

/** One sign in several forms, and a letter that its own readers write with another of the same script. */
const SAME: ReadonlyMap<string, string> = new Map(
  ['-‐‑‒–—−', "'‘’ʼ′", '"“”„″', 'её'].flatMap(([to = '', ...from]) => from.map((c) => [c, to] as const)),
)

/**
 * A cleaned text as it is spelled: like `fold`, but every letter stays the one that it is. Of the same length, so that an
 * offset in the one holds in the other.
 */
export function spelling(cleaned: string): string {
  const lower = lowered(cleaned).replace(/\n/g, ' ')
  return NON_ASCII.test(lower) ? lower.replace(SIGNS, (c) => SAME.get(c) ?? c) : lower
}
const SIGNS = new RegExp(`[${[...SAME.keys()].join('')}]`, 'g')

function lowerUnit(c: string): string {
  const lower = c.toLowerCase()
  return lower.length === c.length ? lower : c
}

/**
 * Words with letters of two scripts are rewritten to one: `раy` reads as `pay`, a wholly Russian word stays. In a text that
 * is mostly Latin, a word of nothing but lookalikes is one of its words, too.
 */
export function unmix(cleaned: string): string {
  if (!NON_ASCII.test(cleaned)) return cleaned
  const latin = cleaned.match(/[A-Za-z]/g)?.length ?? 0
  const others = cleaned.match(/[^\P{L}\p{ASCII}]/gu)?.length ?? 0
  return cleaned.replace(/[\p{L}\p{N}]+/gu, (word) => {
    if (!NON_ASCII.test(word)) return word
    const bare = skeleton(word)
    return /[A-Za-z]/.test(word) || (latin > others && !NON_ASCII.test(bare)) ? bare : word
  })
}

const BEFORE = new Set(' \'"`*_<>()[]{},;')
const AFTER = new Set(' \'"`*_<>()[]{},;.:/!?')
/** Without markup around it. By hand: a pattern that ends at `$` begins anew at each of many marks inside. */
function bareRange(text: string, start: number, end: number): readonly [number, number] {
  let [from, to] = [start, end]
  while (from < to && BEFORE.has(text.charAt(from))) from++
  while (to > from && AFTER.has(text.charAt(to - 1))) to--
  return [from, to]
}

const SCHEME = /^(?:mailto:)?(?:[a-z][a-z0-9+.-]{1,11}:\/\/)?(?:www\.)?/

/**
 * The comparable form of one value: folded, on one line, without quotes, URL scheme, `www.`, `mailto:` and trailing
 * punctuation; whole numbers lose `.0`. May be empty: a value of markup only is nothing to look for.
 */
export function canon(value: string | number | boolean): string {
  return canonOf(clean(String(value).slice(0, 4096))).value
}

/** The comparable form, and the same stretch as it is spelled: equal where no letter imitates another one. */
export function spelledCanon(value: string | number | boolean): { value: string; spelled: string } {
  const cleaned = clean(String(value).slice(0, 4096))
  const { value: bare, from } = canonOf(cleaned)
  if (!NON_ASCII.test(cleaned)) return { value: bare, spelled: bare }
  const all = spelling(cleaned).replace(/\s+/g, ' ')
  return { value: bare, spelled: all.slice(from, from + bare.length) }
}

function canonOf(cleaned: string): { value: string; from: number } {
  const text = fold(cleaned).replace(/\s+/g, ' ')
  const [start, end] = bareRange(text, 0, text.length)
  const scheme = SCHEME.exec(text.slice(start, end))?.[0].length ?? 0
  const [from, to] = bareRange(text, start + scheme, end)
  const bare = text.slice(from, to)
  return { value: /^-?\d+\.0+$/.test(bare) ? bare.slice(0, bare.indexOf('.')) : bare, from }
}

/** Letters and digits only, spelled-out separators dropped: what is left of a value that was spaced or spelled out. */
export function squash(folded: string): string {
  return folded.replace(/\b(?:at|dot|punkt|slash|dash|minus)\b/g, '').replace(/[^\p{L}\p{N}]+/gu, '')
}

const WORD = /[\p{L}]+/gu
/** Lower-case words of an identifier or a text; camelCase is split. */
export function words(text: string): string[] {
  return (
    text
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(WORD) ?? []
  )
}

/** A rough English stem, enough to compare a noun in a prompt with a noun in a tool name. */
export function stem(word: string): string {
  for (const suffix of ['ies', 'es', 's', 'ing', 'ed'])
    if (word.endsWith(suffix) && word.length - suffix.length >= 3)
      return word.slice(0, -suffix.length) + (suffix === 'ies' ? 'y' : '')
  return word
}
export function singular(word: string): string {
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word
}

function isAlnum(c: string): boolean {
  return c !== '' && /[\p{L}\p{N}]/u.test(c)
}

/** Offsets of `value` in `text` at word boundaries, at most `limit`. An empty value occurs nowhere. */
export function occurrences(value: string, text: string, limit = 32): number[] {
  const found: number[] = []
  if (value === '') return found
  const openStart = isAlnum(value.charAt(0))
  const openEnd = isAlnum(value.charAt(value.length - 1))
  let tried = 0
  for (
    let i = text.indexOf(value);
    i >= 0 && found.length < limit && tried < limit * 64;
    i = text.indexOf(value, i + 1)
  ) {
    tried++
    if (openStart && isAlnum(text.charAt(i - 1))) continue
    if (openEnd && isAlnum(text.charAt(i + value.length))) continue
    found.push(i)
  }
  return found
}
