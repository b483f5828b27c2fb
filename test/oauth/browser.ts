/**
 * A person with a browser: cookies by path, redirects one at a time, forms filled in as they stand.
 */
import { createCookieJar } from '../conformance/browser.ts'
import type { World } from './world.ts'

export interface Page {
  readonly status: number
  readonly url: string
  readonly headers: Headers
  readonly text: string
}

export interface Browser {
  get(url: string): Promise<Page>
  post(
    url: string,
    fields: Iterable<readonly [string, string]>,
    headers?: Record<string, string>,
  ): Promise<Page>
  /** Follows redirects as long as they stay at the issuer; returns the last page or the redirect that left. */
  open(url: string): Promise<Page>
  signIn(link?: string): Promise<Page>
  /** Of every path. */
  cookies(): string
}

export function createBrowser(world: World): Browser {
  const jar = createCookieJar()
  const request = async (target: string, init: RequestInit): Promise<Page> => {
    const url = new URL(target, world.issuer)
    const headers = new Headers(init.headers)
    headers.set('accept', 'text/html')
    for (const [name, value] of Object.entries(jar.header(url))) headers.set(name, value)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    jar.take(url, response.headers.getSetCookie())
    return { status: response.status, url: url.href, headers: response.headers, text: await response.text() }
  }
  const browser: Browser = {
    get: (url) => request(url, {}),
    post: (url, fields, headers = { origin: world.issuer }) =>
      request(url, {
        method: 'POST',
        body: new URLSearchParams([...fields].map(([k, v]): [string, string] => [k, v])),
        headers,
      }),
    async open(url) {
      let page = await browser.get(url)
      for (let hops = 0; hops < 10; hops++) {
        const location = page.headers.get('location')
        if (page.status !== 303 || location === null) return page
        if (new URL(location, page.url).origin !== world.issuer) return page
        page = await browser.get(new URL(location, page.url).href)
      }
      throw new Error('too many redirects')
    },
    async signIn(link = world.as.createSignInLink(world.user.id)) {
      return browser.post('/signin', [['secret', link.split('#')[1] ?? '']])
    },
    cookies: () => jar.header(new URL(world.issuer)).cookie ?? '',
  }
  return browser
}

const ENTITIES: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
}
const decode = (text: string) =>
  text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity)

/** What a browser would send for the page's form when its fields are left as they are. */
export function fieldsOf(page: Page): [string, string][] {
  const fields: [string, string][] = []
  for (const [tag] of page.text.matchAll(/<input\b[^>]*>/g)) {
    const attribute = (name: string) => {
      const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
      return found === undefined ? null : decode(found)
    }
    const name = attribute('name')
    if (name === null || /\bdisabled\b/.test(tag)) continue
    if (attribute('type') === 'checkbox' && !/\bchecked\b/.test(tag)) continue
    fields.push([name, attribute('value') ?? ''])
  }
  const option = /<select name="([^"]+)"><option value="([^"]+)"/.exec(page.text)
  if (option !== null) fields.push([option[1] ?? '', option[2] ?? ''])
  return fields
}

export function formAction(page: Page): string {
  const action = /<form [^>]*action="([^"]+)"/.exec(page.text)?.[1]
  if (action === undefined) throw new Error(`no form on ${page.url}: ${page.text.slice(0, 300)}`)
  return decode(action)
}

/** Answers the consent page and goes on to where the answer leads. */
export async function consent(
  browser: Browser,
  page: Page,
  change: (fields: [string, string][]) => [string, string][] = (fields) => fields,
  answer = 'allow',
): Promise<Page> {
  const done = await browser.post(formAction(page), [...change(fieldsOf(page)), ['answer', answer]])
  const location = done.headers.get('location')
  return done.status === 303 && location !== null ? browser.open(location) : done
}
