/**
 * Pages made from the code say what the code says now.
 * @module
 */
import assert from 'node:assert/strict'
import path from 'node:path'
import { it } from 'node:test'
import { pathToFileURL } from 'node:url'

interface Generator {
  stale(): string[]
  generate(): Record<string, string>
}

it('generated documentation is up to date (npm run docs)', async () => {
  const script = path.resolve(import.meta.dirname, '../../scripts/generate-docs.mjs')
  const generator: Generator = await import(pathToFileURL(script).href)
  assert.ok(Object.keys(generator.generate()).length >= 6)
  assert.deepEqual(generator.stale(), [])
})
