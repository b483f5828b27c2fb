/**
 * Addresses inside prose: links, e-mail addresses, account numbers, wallets, telephone numbers. They steer wherever
 * they stand, also inside an otherwise harmless text.
 * @module
 */
export type TokenKind = 'url' | 'email' | 'account' | 'phone'
export interface Token {
  readonly text: string
  readonly kind: TokenKind
}

const EMAIL = String.raw`[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}`
const LINK = String.raw`(?:https?|ftp|wss?):\/\/[^\s'"<>)\]]{1,512}|www\.[^\s'"<>)\],;]{1,512}|(?:[a-z0-9-]{1,63}\.){1,6}(?:com|org|net|io|ai|dev|app|ru|cn|xyz|info|biz|co|me|de|uk|fr|es|it|nl|ch|eu|us|in|site|online|shop|top|gov|edu)\b(?:\/[^\s'"<>)\]]{0,512})?`
const ACCOUNT = String.raw`\b[A-Z]{2}\d{2}(?:[A-Z0-9]{8,30}|(?: [A-Z0-9]{4})(?: \d{4}){1,6}(?: \d{1,4})?)\b|\b0x[0-9a-fA-F]{40}\b|\b(?:bc1|tb1)[a-z0-9]{25,60}\b|\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b|\b\d{4}(?:[ -]?\d{4}){2,4}\b`
const PHONE = String.raw`\+\d[\d ().-]{7,18}\d`
const TOKEN = new RegExp(`(${EMAIL})|(${LINK})|(${ACCOUNT})|(${PHONE})`, 'gi')
const PROBABLE = /[@.:+]|\d{4}|\b[A-Za-z]{2}\d\d/

/** Addresses of one text that are put to the test. */
export const MAX_TOKENS = 64

/** Tokens of a text in order, at most `limit`. Linear in the text. */
export function tokensOf(text: string, limit = MAX_TOKENS): Token[] {
  if (!PROBABLE.test(text)) return []
  const found: Token[] = []
  for (const m of text.matchAll(TOKEN)) {
    if (found.length >= limit) break
    const kind: TokenKind =
      m[1] !== undefined ? 'email' : m[2] !== undefined ? 'url' : m[3] !== undefined ? 'account' : 'phone'
    found.push({ text: m[0], kind })
  }
  return found
}

/** The token kind that a whole value is, if it is one. */
export function tokenKind(value: string): TokenKind | null {
  return wholeKind(value, tokensOf(value.slice(0, 600), 1))
}

/** The same of a value whose tokens are known. */
export function wholeKind(value: string, [first]: readonly Token[]): TokenKind | null {
  return first !== undefined && first.text.length >= value.trim().length * 0.8 ? first.kind : null
}

/** Host of a canonical URL (no scheme, no `www.`): everything before the path. */
export function hostOf(canonical: string): string {
  const end = canonical.search(/[/?#:]/)
  return end < 0 ? canonical : canonical.slice(0, end)
}
