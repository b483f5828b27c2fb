/**
 * What the pages name exists: links, headings, files, npm scripts, settings, verbs and their options.
 * @module
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { configSchema } from '@safeconduct/protocol'
import { METHOD_TABLE } from '../../packages/gateway/src/mcp/methods.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')
const pages = globSync(['*.md', '{docs,bench,examples,packages,test}/**/*.md'], { cwd: ROOT })
  .filter((file) => !file.includes('node_modules/'))
  .sort()

/** All matches of the first group, with the page. */
function found(pattern: RegExp): [page: string, text: string][] {
  return pages.flatMap((page) =>
    [...read(page).matchAll(pattern)].map((match): [string, string] => [page, match[1] ?? '']),
  )
}

/** As the usual renderers make them: lower case, punctuation gone, spaces to hyphens. */
function anchors(page: string): Set<string> {
  const headings = [...read(page).matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

describe('the documentation', () => {
  it('was seen by this test', () => {
    for (const page of [
      'README.md',
      'SECURITY.md',
      'CONTRIBUTING.md',
      'docs/architecture.md',
      'docs/config.md',
    ]) {
      assert.ok(pages.includes(page), page)
    }
  })

  it('links to files and headings that exist', () => {
    const links = found(/\]\(([^)\s]+)\)/g).filter(([, target]) => !/^[a-z]+:/.test(target))
    assert.ok(links.length > 20, `${links.length} links`)
    const broken = links.filter(([page, target]) => {
      const [file = '', anchor] = target.split('#')
      const at = file === '' ? page : path.join(path.dirname(page), decodeURIComponent(file))
      if (!existsSync(path.join(ROOT, at))) return true
      return anchor !== undefined && at.endsWith('.md') && !anchors(at).has(anchor)
    })
    assert.deepEqual(broken, [])
  })

  it('names source files and folders that exist', () => {
    const short = found(/`((?:protocol|cedar|ledger|engine|store|server|gateway|cli)\/[\w./-]+)`/g)
      .filter(([, name]) => !Object.hasOwn(METHOD_TABLE.client, name))
      .map(([page, file]): [string, string] => [
        page,
        file.replace(/^(\w+)\//, 'packages/$1/src/').replace('src/src/', 'src/'),
      ])
    const long = found(/`((?:packages|scripts|test|examples|bench|docs)\/[\w./-]+)`/g)
    assert.ok(short.length + long.length > 20)
    const absent = [...short, ...long].filter(([, file]) => !existsSync(path.join(ROOT, file)))
    assert.deepEqual(absent, [])
  })

  it('names npm scripts that exist', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
    const named = found(/\bnpm run ([\w:-]+)/g)
    assert.ok(named.length > 3)
    assert.deepEqual(
      named.filter(([, name]) => !Object.hasOwn(scripts, name)),
      [],
    )
  })

  it('names settings that exist, and all of them on the page of settings', () => {
    const known = new Set([...Object.keys(configSchema.shape), 'SAFECONDUCT_SHARED'])
    const named = found(/\b(SAFECONDUCT_[A-Z_]+[A-Z])\b/g)
    assert.deepEqual(
      named.filter(([, name]) => !known.has(name)),
      [],
    )
    const page = read('docs/config.md')
    assert.deepEqual(
      [...known].filter((name) => !page.includes(`\`${name}\``)),
      [],
    )
  })

  it('names verbs of the command line that exist', () => {
    const source = globSync('packages/cli/src/**/*.ts', { cwd: ROOT }).map(read).join('\n')
    const verbs = new Set([...source.matchAll(/\.command\('([\w-]+)/g)].map((match) => match[1]))
    const named = found(/\.\/safeconduct ([a-z]+)/g)
    assert.ok(named.length > 10)
    assert.deepEqual(
      named.filter(([, verb]) => !verbs.has(verb)),
      [],
    )
  })

  it('never sends a reader to a package name that is not published', () => {
    assert.deepEqual(found(/(npx safeconduct)/g), [])
  })
})
