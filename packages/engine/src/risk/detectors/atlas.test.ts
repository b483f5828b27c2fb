import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

const SHARED = process.env.SAFECONDUCT_SHARED ?? path.resolve(import.meta.dirname, '../../../../../../shared')
const FEED = path.join(SHARED, 'data/threat-intel/ATLAS.yaml')

function named(): Map<string, string> {
  const found = new Map<string, string>()
  const folders = [
    import.meta.dirname,
    path.join(import.meta.dirname, '..'),
    path.join(import.meta.dirname, '../learning'),
  ]
  for (const folder of folders)
    for (const file of readdirSync(folder).filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
    ))
      for (const [, id = ''] of readFileSync(path.join(folder, file), 'utf8').matchAll(/'(AML\.[\w.]+)'/g))
        found.set(id, file)
  return found
}

test('every technique that evidence names is one of ATLAS', () => {
  const ids = named()
  assert.ok(ids.size >= 8, `${ids.size} found`)
  for (const [id, file] of ids) assert.match(id, /^AML\.T\d{4}(\.\d{3})?$/, file)
  if (!existsSync(FEED)) {
    process.stderr.write(
      'SKIPPED: shared/data/threat-intel is not here (set SAFECONDUCT_SHARED): techniques not looked up\n',
    )
    return
  }
  const feed = readFileSync(FEED, 'utf8')
  for (const [id, file] of ids) assert.ok(feed.includes(`- id: ${id}\n`), `${file}: ${id}`)
})
