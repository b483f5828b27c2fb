/**
 * The live page's files, read once at start. No template, so nothing to escape: the page asks the API for what it
 * shows and writes it as text.
 * @module
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

const FILES = ['index.html', 'live.js', 'live.css', 'icon.svg'] as const
export type AssetName = (typeof FILES)[number]

/** No script but ours, no frame around us, nothing fetched from elsewhere. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: under it the sign-out form would say `Origin: null`, which is refused.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
}

export function loadAssets(): (name: AssetName) => Response {
  const directory = path.join(import.meta.dirname, 'assets')
  const bodies = new Map(FILES.map((name) => [name, readFileSync(path.join(directory, name))]))
  return (name) => {
    const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
    return new Response(new Uint8Array(bodies.get(name) ?? Buffer.alloc(0)), {
      headers: { ...PAGE_HEADERS, 'content-type': type },
    })
  }
}
