/**
 * HTML made from templates in which everything that is put in is escaped, and the headers every page goes out with.
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** Markup that was made by `html`, and so may be put into other markup as it is. */
export interface Html {
  readonly markup: string
}

type Part = Html | readonly Part[] | string | number | null

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '')
}

/** Template tag. Strings are escaped for text and quoted attributes; null is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Part[]): Html {
  let markup = parts[0] ?? ''
  for (const [at, value] of values.entries()) markup += render(value) + (parts[at + 1] ?? '')
  return { markup }
}

function render(part: Part): string {
  if (part === null) return ''
  if (typeof part === 'string') return escapeHtml(part)
  if (typeof part === 'number') return String(part)
  if (isParts(part)) return part.map(render).join('')
  return part.markup
}

function isParts(part: Html | readonly Part[]): part is readonly Part[] {
  return Array.isArray(part)
}

/**
 * Text from a client or a server, for display: no control characters, nothing that turns the reading direction
 * (Unicode TR 36), not longer than `limit`.
 */
export function displayText(text: string, limit = 200): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim()
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean
}

export interface Page {
  readonly status?: number
  readonly title: string
  readonly body: Html
  /** Run on the page under its nonce. Ours, never made from input. */
  readonly script?: string
  /** Where a form of the page, or the redirect that answers it, may lead besides here. */
  readonly formTargets?: readonly string[]
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--mute:#5a6675;--line:#d5dbe3;--card:#fff;--back:#f3f5f8;--key:#1f5fbf;--warn:#8a4b00;--warnback:#fff4e0}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf2;--mute:#a3afbe;--line:#3a4452;--card:#1b222c;--back:#12171e;--key:#7fb0ff;--warn:#ffce8a;--warnback:#3a2a10}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:42rem;margin:2rem auto;padding:1.5rem 2rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
h1{font-size:1.35rem;margin:0 0 1rem}h2{font-size:1rem;margin:1.5rem 0 .4rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:0}dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere}
label{display:block;margin:.35rem 0}fieldset{border:1px solid var(--line);border-radius:8px;margin:1rem 0;padding:.6rem 1rem;min-width:0}code{overflow-wrap:anywhere}legend{font-weight:600;padding:0 .4rem}
textarea,input[type=text],input[type=password],input[type=number],select{width:100%;font:inherit;color:inherit;background:var(--back);border:1px solid var(--line);border-radius:6px;padding:.5rem}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
.hint{color:var(--mute);font-size:.9rem;margin:.2rem 0}
.warn{color:var(--warn);background:var(--warnback);border-radius:8px;padding:.6rem .8rem;margin:1rem 0}
.actions{display:flex;gap:.8rem;margin-top:1.5rem}
button{font:inherit;font-weight:600;border-radius:8px;border:1px solid var(--key);padding:.55rem 1.4rem;cursor:pointer;background:var(--key);color:var(--card)}
button.quiet{background:transparent;color:var(--ink);border-color:var(--line)}
:focus-visible{outline:3px solid var(--key);outline-offset:2px}
code{background:var(--back);border-radius:4px;padding:.1rem .3rem}
`

/** Sends a page that cannot be framed, cached, or made to load or run anything but its own style and script. */
export function sendPage(res: ServerResponse, page: Page): void {
  const nonce = randomBytes(16).toString('base64')
  const targets = (page.formTargets ?? []).filter((target) => /^[a-z][a-z0-9+.-]*:[^\s;,']*$/i.test(target))
  secure(res, [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action 'self'${targets.map((target) => ` ${target}`).join('')}`,
  ])
  const script = page.script === undefined ? '' : `<script nonce="${nonce}">${page.script}</script>`
  const text = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${escapeHtml(page.title)} · Safeconduct</title><style nonce="${nonce}">${STYLE}</style></head><body><main><h1>${escapeHtml(page.title)}</h1>${page.body.markup}</main>${script}</body></html>`
  res.statusCode = page.status ?? 200
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Content-Length', Buffer.byteLength(text))
  res.end(text)
}

/** `same-origin` and not `no-referrer`: under the latter a form post says `Origin: null`, which we refuse. */
function secure(res: ServerResponse, policy: readonly string[]): void {
  res.setHeader('Content-Security-Policy', policy.join('; '))
  res.setHeader('X-Frame-Options', 'DENY')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Referrer-Policy', 'same-origin')
  res.setHeader('Cache-Control', 'no-store')
}
