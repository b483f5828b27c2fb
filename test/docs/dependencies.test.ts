/**
 * `docs/dependencies.md` against the manifests, the licences of everything that ships, and that installing runs nothing.
 * @module
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import * as z from 'zod'

const ROOT = path.resolve(import.meta.dirname, '../..')
const names = z.record(z.string(), z.string()).optional()
const manifestSchema = z.object({
  dependencies: names,
  devDependencies: names,
  optionalDependencies: names,
  license: z.string().optional(),
})
const lockSchema = z.object({
  packages: z.record(
    z.string(),
    manifestSchema.extend({
      link: z.boolean().optional(),
      resolved: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
})
type Manifest = z.infer<typeof manifestSchema>

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')
const manifest = (folder: string): Manifest =>
  manifestSchema.parse(JSON.parse(read(`${folder}/package.json`)))
const FREE =
  /^(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|Zlib|Unlicense|CC0-1\.0|Python-2\.0)$/

/** A licence that offers a choice is free when one of its alternatives is; one that adds up, when all are. */
function isFree(licence: string): boolean {
  const alternatives = licence.replace(/[()]/g, '').split(' OR ')
  return alternatives.some((one) => one.split(' AND ').every((part) => FREE.test(part)))
}

/** Data under CC BY may ship when the notice names where they come from. */
function isAttributed(key: string, licence: string): boolean {
  const name = key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length)
  return licence.endsWith('(CC-BY-4.0)') && read('NOTICE').includes(`\`${name}\``)
}

function rows(): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of read('docs/dependencies.md').split('\n')) {
    const [, name, , licence = ''] = line.split('|').map((text) => text.trim())
    const quoted = /^`([^`]+)`$/.exec(name ?? '')?.[1]
    if (quoted !== undefined) found.set(quoted, licence)
  }
  return found
}

function named(): Map<string, string> {
  const found = new Map<string, string>()
  const folders = globSync('{packages,examples}/*/package.json', { cwd: ROOT }).map((file) =>
    path.dirname(file),
  )
  for (const folder of ['.', ...folders.sort()]) {
    const { dependencies, devDependencies, optionalDependencies } = manifest(folder)
    for (const name of Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      if (name !== 'safeconduct' && !name.startsWith('@safeconduct/')) found.set(name, folder)
    }
  }
  return found
}

/** Keys of the lockfile reachable from what `packages/*` need at run time. */
function shipped(): Map<string, Manifest> {
  const { packages } = lockSchema.parse(JSON.parse(read('package-lock.json')))
  const found = new Map<string, Manifest>()
  const place = (from: string, name: string): string | null => {
    for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
      const key = `${base === '' ? '' : `${base}/`}node_modules/${name}`
      if (packages[key] !== undefined) return key
      if (!base.includes('/node_modules/'))
        return packages[`node_modules/${name}`] ? `node_modules/${name}` : null
    }
  }
  const walk = (key: string | null): void => {
    const entry = key === null ? undefined : packages[key]
    if (key === null || entry === undefined || found.has(key)) return
    if (entry.link === true) {
      walk(entry.resolved ?? null)
      return
    }
    found.set(key, entry)
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
      walk(place(key, name))
  }
  for (const key of Object.keys(packages)) if (/^packages\/[^/]+$/.test(key)) walk(key)
  return found
}

describe('dependencies', () => {
  it('are each on the page, with their licence, and nothing else is', () => {
    const page = rows()
    const used = named()
    assert.ok(used.size > 20, `${used.size} dependencies`)
    assert.deepEqual([...page.keys()].sort(), [...used.keys()].sort())
    for (const [name, folder] of used) {
      const where = [`${folder}/node_modules/${name}`, `node_modules/${name}`].find((one) =>
        existsSync(path.join(ROOT, one, 'package.json')),
      )
      // Optional builds are not installed on every platform.
      if (where === undefined) continue
      const licence = manifest(where).license ?? ''
      if (/^SEE LICENSE/.test(licence))
        assert.match(page.get(name) ?? '', /^(?:MIT \(its README|CC-BY-4\.0 \(its licence files)/)
      else assert.equal(page.get(name), licence, name)
    }
  })

  it('run nothing when they are installed', () => {
    const { packages } = lockSchema.parse(JSON.parse(read('package-lock.json')))
    assert.ok(Object.keys(packages).length > 100, `${Object.keys(packages).length} packages`)
    const running = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true)
    assert.deepEqual(
      running.map(([key]) => key),
      [],
    )
  })

  it('that ship are free of copyleft, those below them too', () => {
    const all = shipped()
    assert.ok(all.size > 40, `${all.size} packages ship`)
    const bad = [...all]
      .filter(([key]) => key.includes('node_modules/') && existsSync(path.join(ROOT, key, 'package.json')))
      .map(([key]): [string, string] => [key, manifest(key).license ?? 'none'])
      .filter(([key, licence]) => !isFree(licence) && !isAttributed(key, licence))
    assert.deepEqual(bad, [])
    assert.deepEqual(['GPL-3.0', 'MIT AND AGPL-3.0', 'none'].filter(isFree), [], 'the check can fail')
  })
})
