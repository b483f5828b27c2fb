import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { cycles, ROOT, type SourceFile, sources } from './source.ts'

/** Who may import whom (docs/architecture.md). `types` = type-only imports; a dependency must be listed too. */
const TABLE: Readonly<
  Record<string, { values: readonly string[]; types?: readonly string[]; outside: readonly string[] }>
> = {
  protocol: { values: [], outside: ['zod'] },
  cedar: { values: [], outside: ['@cedar-policy/cedar-wasm'] },
  relations: { values: [], outside: ['@openfga/syntax-transformer', '@marcbachmann/cel-js'] },
  ledger: { values: [], outside: [] },
  engine: { values: ['protocol', 'cedar', 'relations'], types: ['ledger'], outside: [] },
  store: { values: ['protocol', 'engine'], outside: ['kysely', 'mmdb-lib'] },
  server: {
    values: ['protocol', 'engine', 'relations'],
    outside: ['hono', '@hono/node-server', '@marcbachmann/cel-js', 'oidc-provider', 'undici', 'zod'],
  },
  gateway: { values: ['protocol', 'engine'], outside: ['undici', 'zod'] },
  sdk: { values: ['protocol'], outside: ['jose'] },
  cli: {
    values: ['protocol', 'engine', 'cedar', 'ledger', 'store', 'server', 'gateway', 'sdk'],
    outside: ['commander', 'pino', 'prom-client', 'yaml', 'zod', 'undici'],
  },
}
const TEST_ONLY = ['fast-check', 'kysely', 'oauth4webapi', '@modelcontextprotocol/']
/** The engine is pure: what of Node it may use at run time. */
const PURE = ['node:crypto', 'node:buffer', 'node:util', 'node:url']

const all = sources()
const outsideName = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

function problems(source: SourceFile): string[] {
  const row = TABLE[source.package]
  if (row === undefined) return [`${source.file}: package ${source.package} has no row in the table`]
  const found: string[] = []
  for (const { specifier, typeOnly } of source.imports) {
    if (specifier.startsWith('.')) {
      const target = path.join(path.dirname(source.file), specifier)
      if (!target.startsWith(`packages/${source.package}/`))
        found.push(`${source.file} reaches out to ${specifier}`)
    } else if (specifier.startsWith('@safeconduct/')) {
      const name = specifier.slice('@safeconduct/'.length)
      const allowed = row.values.includes(name) || (typeOnly && (row.types ?? []).includes(name))
      if (!allowed) found.push(`${source.file} may not import ${specifier}`)
    } else if (specifier.startsWith('node:')) {
      const pure = source.package !== 'engine' || source.test || PURE.includes(specifier)
      if (!pure && !typeOnly) found.push(`${source.file} is in the pure engine and imports ${specifier}`)
    } else if (!(source.test && TEST_ONLY.some((name) => specifier.startsWith(name)))) {
      if (!row.outside.includes(outsideName(specifier)))
        found.push(`${source.file} may not import ${specifier}`)
    }
  }
  return found
}

describe('the house', () => {
  it('was seen by this test', () => {
    for (const name of Object.keys(TABLE)) {
      if (name === 'sdk' && !existsSync(path.join(ROOT, 'packages/sdk/src/index.ts'))) continue
      assert.ok(
        all.some((source) => source.package === name),
        `no file of packages/${name}`,
      )
    }
    assert.ok(all.length > 100, `${all.length} files`)
    assert.ok(all.flatMap((source) => source.imports).length > 300, 'imports were recognised')
  })

  it('keeps the import table', () => assert.deepEqual(all.flatMap(problems), []))

  it('has no value-import cycle', () => {
    const edges = new Map(
      all.map((source) => [
        source.file,
        source.imports
          .filter((one) => !one.typeOnly && one.specifier.startsWith('.'))
          .map((one) => path.join(path.dirname(source.file), one.specifier)),
      ]),
    )
    assert.deepEqual(cycles(edges), [])
    assert.deepEqual(
      cycles(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['a']],
        ]),
      ),
      [['a', 'b', 'c']],
      'the check can fail',
    )
  })

  it('has no clock or randomness in the engine', () => {
    const impure = all
      .filter((source) => source.package === 'engine' && !source.test)
      .filter((source) =>
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(/.test(source.text),
      )
    assert.deepEqual(
      impure.map((source) => source.file),
      [],
    )
  })

  it('has no file over 700 lines', () => {
    const long = all.filter((source) => source.text.split('\n').length > 700)
    assert.deepEqual(
      long.map((source) => source.file),
      [],
    )
  })

  it('imports zod only as a namespace, so that bundles stay small', () => {
    const named = all.filter((source) => /import \{[^}]*\} from 'zod'/.test(source.text))
    assert.deepEqual(
      named.map((source) => source.file),
      [],
    )
  })

  it('pins every dependency exactly and gives each a reason', () => {
    const reasons = readFileSync(path.join(ROOT, 'docs/dependencies.md'), 'utf8')
    const names = ['.', ...Object.keys(TABLE).map((name) => `packages/${name}`)]
    let seen = 0
    for (const folder of names) {
      const manifest = JSON.parse(readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'))
      const lists = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
      for (const [name, version] of Object.entries(Object.assign({}, ...lists))) {
        if (name.startsWith('@safeconduct/')) continue
        seen++
        assert.match(String(version), /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${folder}: ${name} is not pinned`)
        assert.ok(reasons.includes(`\`${name}\``), `docs/dependencies.md says nothing about ${name}`)
      }
    }
    assert.ok(seen > 20)
  })
})
