/**
 * @module A scripted browser: `fetch` with a cookie jar that follows redirects by hand and fills in the forms it meets.
 * It runs no script, so a page it can use works without one.
 */
import { chooseButton, chooseForm, type Fields, fillForm, parseForms } from './html-form.ts'

export interface BrowserOptions {
  /** Values for every form met on the way, by control name. */
  readonly fields?: Fields
  /** Buttons to prefer: label, value, or `name=value`, in any case. */
  readonly press?: readonly string[]
}

/** Where a journey ended. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly html: string
}

export interface Browser {
  /**
   * Opens `start` and goes on until a request would leave for a URL that `arrived` accepts; resolves to that URL,
   * which is not requested. @throws when a page without a form or more than 25 requests come first.
   */
  readonly travel: (start: string, arrived: (url: URL) => boolean) => Promise<URL>
  /** Opens one URL, following redirects but submitting nothing. */
  readonly open: (start: string) => Promise<Page>
}

interface Step {
  readonly url: URL
  readonly body?: URLSearchParams
  readonly from?: URL
}

const MAX_REQUESTS = 25

/** A browser with an empty cookie jar. */
export function createBrowser({ fields = {}, press = [] }: BrowserOptions = {}): Browser {
  const jar = createCookieJar()

  const load = async (step: Step): Promise<{ readonly page: Page } | { readonly next: Step }> => {
    const response = await fetch(step.url, {
      redirect: 'manual',
      headers: { accept: 'text/html', ...jar.header(step.url), ...referrer(step) },
      ...(step.body === undefined ? {} : { method: 'POST', body: step.body }),
    })
    jar.take(step.url, response.headers.getSetCookie())
    const location = response.headers.get('location')
    const html = await response.text()
    if (response.status < 300 || response.status > 399 || location === null)
      return { page: { url: step.url, status: response.status, html } }
    const keepsBody = response.status === 307 || response.status === 308
    const url = new URL(location, step.url)
    return { next: { url, ...(keepsBody && step.body !== undefined ? { body: step.body } : {}) } }
  }

  const submit = (page: Page): Step => {
    const form = chooseForm(parseForms(page.html), fields, press)
    if (form === undefined) throw new Error(`the journey ended at ${describe(page)}`)
    const sent = fillForm(form, fields, chooseButton(form, press))
    const url = new URL(form.action === '' ? page.url : form.action, page.url)
    if (form.method === 'post') return { url, body: sent, from: page.url }
    url.search = sent.toString()
    return { url, from: page.url }
  }

  return {
    travel: async (start, arrived) => {
      let step: Step = { url: new URL(start) }
      let last: Page | undefined
      for (let requests = 0; requests <= MAX_REQUESTS; requests += 1) {
        if (arrived(step.url)) return step.url
        const loaded = await load(step)
        if ('page' in loaded) last = loaded.page
        step = 'next' in loaded ? loaded.next : submit(loaded.page)
      }
      throw new Error(`no arrival after ${MAX_REQUESTS} requests; last page: ${describe(last)}`)
    },
    open: async (start) => {
      let step: Step = { url: new URL(start) }
      for (let requests = 0; requests <= MAX_REQUESTS; requests += 1) {
        const loaded = await load(step)
        if ('page' in loaded) return loaded.page
        step = loaded.next
      }
      throw new Error(`more than ${MAX_REQUESTS} redirects from ${start}`)
    },
  }
}

// What a browser says when a form of its own page is sent, so that a same-origin check can work.
function referrer({ from, url, body }: Step): Record<string, string> {
  if (from === undefined) return {}
  const site = from.origin === url.origin ? 'same-origin' : 'cross-site'
  return {
    referer: from.href,
    'sec-fetch-site': site,
    ...(body === undefined ? {} : { origin: from.origin }),
  }
}

function describe(page: Page | undefined): string {
  if (page === undefined) return 'none'
  const words = page.html
    .replace(/<(script|style)\b[\s\S]*?<\/\1\s*>|<[^>]*>/gi, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return `${page.url.origin}${page.url.pathname} (HTTP ${page.status}): ${words.slice(0, 300)}`
}

interface Cookie {
  readonly host: string
  readonly path: string
  readonly name: string
  readonly value: string
}

/** Host-only cookies with paths (RFC 6265 section 5), enough for one host under test; Domain is ignored. */
export function createCookieJar() {
  const cookies = new Map<string, Cookie>()
  return {
    take: (url: URL, setCookie: readonly string[]): void => {
      for (const line of setCookie) {
        const [pair = '', ...rest] = line.split(';')
        const split = pair.indexOf('=')
        if (split < 1) continue
        const attributes = new Map(rest.map((part) => splitAttribute(part)))
        const path = attributes.get('path') ?? (url.pathname.replace(/\/[^/]*$/, '') || '/')
        const cookie = {
          host: url.hostname,
          path,
          name: pair.slice(0, split).trim(),
          value: pair.slice(split + 1).trim(),
        }
        const key = `${cookie.host} ${cookie.path} ${cookie.name}`
        if (isExpired(attributes)) cookies.delete(key)
        else cookies.set(key, cookie)
      }
    },
    header: (url: URL): Record<string, string> => {
      const sent = [...cookies.values()].filter(
        ({ host, path }) => host === url.hostname && covers(path, url.pathname),
      )
      if (sent.length === 0) return {}
      return { cookie: sent.map(({ name, value }) => `${name}=${value}`).join('; ') }
    },
  }
}

function splitAttribute(part: string): [string, string] {
  const [name = '', ...value] = part.split('=')
  return [name.trim().toLowerCase(), value.join('=').trim()]
}

function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const maxAge = attributes.get('max-age')
  if (maxAge !== undefined) return Number(maxAge) <= 0
  const expires = attributes.get('expires')
  return expires !== undefined && Date.parse(expires) <= Date.now()
}

function covers(path: string, requested: string): boolean {
  return requested === path || requested.startsWith(path.endsWith('/') ? path : `${path}/`)
}
