/**
 * A scripted person with a browser: follows redirects, keeps cookies, fills the forms it is shown. Stands in for the
 * desk's owner where nobody is at the keyboard; it uses exactly the pages a person would use.
 * @module
 */

const MAX_HOPS = 25

export interface Page {
  readonly url: URL
  readonly status: number
  readonly html: string
}

export function createBrowser() {
  const jar = new Map<string, string>()

  const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

  async function fetchOnce(url: URL, form: URLSearchParams | null): Promise<Response> {
    const response = await fetch(url, {
      method: form === null ? 'GET' : 'POST',
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: cookies(),
        ...(form === null ? {} : { origin: url.origin, 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(form === null ? {} : { body: form.toString() }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      const at = pair.indexOf('=')
      const name = pair.slice(0, at)
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(cookie)) jar.delete(name)
      else jar.set(name, pair.slice(at + 1))
    }
    return response
  }

  /** Follows redirects while they stay on `origin`; a redirect elsewhere ends the walk with an empty page. */
  async function go(start: URL, origin: string, form: URLSearchParams | null = null): Promise<Page> {
    let url = start
    let body = form
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const response = await fetchOnce(url, body)
      body = null
      const location = response.headers.get('location')
      if (location === null) return { url, status: response.status, html: await response.text() }
      await response.body?.cancel()
      url = new URL(location, url)
      if (url.origin !== origin) return { url, status: 0, html: '' }
    }
    throw new Error('Too many redirects.')
  }

  /** Submits the first form of a page, with these values over the ones it came with. */
  async function submit(page: Page, origin: string, values: Readonly<Record<string, string>>): Promise<Page> {
    const form = /<form\b[^>]*>[\s\S]*?<\/form>/i.exec(page.html)?.[0]
    if (form === undefined) throw new Error(`No form on ${page.url.pathname} (${page.status}).`)
    const action = attribute(form, 'action') ?? page.url.href
    const fields = new URLSearchParams()
    for (const [input] of form.matchAll(/<(?:input|textarea)\b[^>]*>/gi)) {
      const name = attribute(input, 'name')
      const kind = attribute(input, 'type') ?? 'text'
      const unchecked = (kind === 'checkbox' || kind === 'radio') && !/\bchecked\b/i.test(input)
      if (name !== null && kind !== 'submit' && !unchecked)
        fields.append(name, attribute(input, 'value') ?? '')
    }
    for (const [select] of form.matchAll(/<select\b[^>]*>[\s\S]*?<\/select>/gi)) {
      const [first = ''] =
        /<option\b[^>]*\bselected\b[^>]*>/i.exec(select) ?? /<option\b[^>]*>/i.exec(select) ?? []
      const name = attribute(select, 'name')
      if (name !== null) fields.append(name, attribute(first, 'value') ?? '')
    }
    for (const [name, value] of Object.entries(values)) fields.set(name, value)
    return go(new URL(decodeEntities(action), page.url), origin, fields)
  }

  return { go, submit, cookies }
}

function attribute(tag: string, name: string): string | null {
  const found = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)
  return found === null ? null : decodeEntities(found[1] ?? '')
}

function decodeEntities(text: string): string {
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}
