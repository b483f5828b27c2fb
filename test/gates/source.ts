/**
 * The source tree as the gates see it: every TypeScript file of the packages with its imports.
 * @module
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const ROOT = path.resolve(import.meta.dirname, '../..')

export interface SourceFile {
  /** Relative to the repository. */
  readonly file: string
  readonly package: string
  readonly text: string
  readonly test: boolean
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean }[]
}

// `import type …`, `export type … from` and a braces list in which every name is a type leave no import at run time.
const STATEMENT =
  /^(?:import|export)\s+(type\s+)?([^'"]*?)\s*from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gms
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

export function sources(): SourceFile[] {
  return globSync('packages/*/{src,bench}/**/*.ts', { cwd: ROOT })
    .sort()
    .map((file) => {
      const text = readFileSync(path.join(ROOT, file), 'utf8')
      return {
        file,
        package: file.split('/')[1] ?? '',
        text,
        test: file.endsWith('.test.ts') || file.includes('/testing/') || file.includes('/bench/'),
        imports: importsOf(text),
      }
    })
}

function importsOf(text: string): { specifier: string; typeOnly: boolean }[] {
  const found: { specifier: string; typeOnly: boolean }[] = []
  for (const [, keyword, names = '', from, bare] of text.matchAll(STATEMENT)) {
    const specifier = from ?? bare
    if (specifier !== undefined) found.push({ specifier, typeOnly: keyword !== undefined || allTypes(names) })
  }
  for (const [, specifier = ''] of text.matchAll(DYNAMIC)) found.push({ specifier, typeOnly: false })
  return found
}

function allTypes(names: string): boolean {
  const list = /^\{([^}]*)\}$/s.exec(names.trim())?.[1]
  if (list === undefined) return false
  const items = list.split(',').map((item) => item.trim())
  return items.filter((item) => item !== '').every((item) => item.startsWith('type '))
}

/** Value-import cycles, each as the list of its files. */
export function cycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const walk = (file: string, path: string[]): void => {
    const at = path.indexOf(file)
    if (at !== -1) {
      found.push(path.slice(at))
      return
    }
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) walk(next, [...path, file])
    done.add(file)
  }
  for (const file of edges.keys()) walk(file, [])
  return found
}
