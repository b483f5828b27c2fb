import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { Script } from 'node:vm'
import { loadAssets, PAGE_HEADERS } from './static.ts'

const read = (name: string) => readFileSync(path.join(import.meta.dirname, 'assets', name), 'utf8')

describe('the live page', () => {
  const script = read('live.js')
  const page = read('index.html')

  it('writes nothing from outside as markup and runs nothing as code', () => {
    const forbidden =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc|createContextualFragment|setHTML/
    assert.doesNotMatch(script, forbidden)
    assert.match('x.innerHTML = y', forbidden, 'the check can fail')
    assert.doesNotMatch(script, /setTimeout\(\s*['"`]/)
    assert.doesNotMatch(script, /\bstyle\b/, 'the policy allows no inline style')
  })

  it('is a script that parses', () => {
    assert.ok(new Script(script, { filename: 'live.js' }))
    assert.throws(() => new Script(`${script}\n)`), SyntaxError, 'the check can fail')
  })

  it('names only ids that the page has', () => {
    const used = [...script.matchAll(/\$\('([^']+)'\)/g)].map((found) => found[1] ?? '')
    assert.ok(used.length > 20)
    const had = new Set([...page.matchAll(/\bid="([^"]+)"/g)].map((found) => found[1]))
    assert.deepEqual(
      used.filter((id) => !had.has(id)),
      [],
    )
  })

  it('has nothing inline and nothing from elsewhere, so that its own policy lets it run', () => {
    assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)|<style|\bon[a-z]+=|\bstyle=|javascript:/i)
    const from = [...page.matchAll(/\b(?:src|href)="([^"]+)"/g)].map((found) => found[1])
    assert.deepEqual([...new Set(from)].sort(), ['/assets/icon.svg', '/assets/live.css', '/assets/live.js'])
    assert.doesNotMatch(read('live.css'), /@import|url\(/)
    assert.doesNotMatch(read('icon.svg'), /<script|\bon[a-z]+=|href/i)
  })

  it('is served with its type and headers, each time anew', async () => {
    const asset = loadAssets()
    for (const [name, type] of [
      ['index.html', 'text/html; charset=utf-8'],
      ['live.js', 'text/javascript; charset=utf-8'],
      ['live.css', 'text/css; charset=utf-8'],
      ['icon.svg', 'image/svg+xml'],
    ] as const) {
      const first = asset(name)
      assert.equal(await first.text(), read(name))
      assert.equal(await asset(name).text(), read(name), 'a body can be read once; this is another')
      assert.equal(first.headers.get('content-type'), type)
      for (const [header, value] of Object.entries(PAGE_HEADERS))
        assert.equal(first.headers.get(header), value)
    }
  })
})
