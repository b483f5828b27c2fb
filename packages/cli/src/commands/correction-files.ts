/**
 * Corrections of tools as a file: YAML, of which JSON is a part, with the place of everything in it.
 *
 *     tools:
 *       mail/send:
 *         effect: write
 *         args: { to: recipient }
 * @module
 */
import { writeFileSync } from 'node:fs'
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import { isMap, isScalar, LineCounter, type Node, parseDocument, stringify } from 'yaml'
import { object } from '../context.ts'
import { readText } from '../files.ts'
import { plain } from '../output.ts'

export interface Place {
  /** From 1. */
  readonly line: number
  readonly column: number
}

export interface CorrectionFile {
  readonly tools: JsonObject
  /** Where a member stands, by its path from the tool's id inwards; the nearest one around it where it does not. */
  placeOf(path: readonly string[]): Place
}

const MAX_LENGTH = 1024 * 1024

/** @throws `not_found` when it cannot be read, `invalid_request` with the place of what is not well-formed */
export function readCorrections(file: string): CorrectionFile {
  return parseCorrections(readText(file), file)
}

/** @throws `invalid_request` with the place of what is not well-formed */
export function parseCorrections(source: string, file: string): CorrectionFile {
  if (source.length > MAX_LENGTH)
    throw new SafeconductError('too_large', { message: `${file} is larger than 1 MiB.` })
  const counter = new LineCounter()
  const placeAt = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const wrong = (offset: number, message: string) => {
    const { line, column } = placeAt(offset)
    return new SafeconductError('invalid_request', { message: `${file}:${line}:${column}: ${message}` })
  }
  const parsed = guarded(file, () => {
    const document = parseDocument(source, { lineCounter: counter, prettyErrors: false })
    const [error] = [...document.errors, ...document.warnings]
    if (error !== undefined) throw wrong(error.pos[0], error.message)
    // Copies are refused: a small file stays small.
    return { document, value: document.toJS({ maxAliasCount: 0 }) as unknown }
  })
  const { document, value } = parsed
  const top = isMap(document.contents) ? document.contents : null
  const other = top?.items.find(({ key }) => !isScalar(key) || key.value !== 'tools')
  if (other !== undefined) throw wrong(offsetOf(other.key), 'Everything stands under "tools"; this does not.')
  if (!isJsonObject(value as JsonObject) || !isJsonObject((value as JsonObject).tools))
    throw wrong(offsetOf(document.contents), 'It must hold "tools": an object of corrections by tool.')
  return {
    tools: object(value as JsonObject, 'tools'),
    placeOf(path) {
      let node: unknown = document.contents
      let offset = offsetOf(node)
      for (const segment of ['tools', ...path]) {
        const pair = isMap(node)
          ? node.items.find(({ key }) => isScalar(key) && String(key.value) === segment)
          : undefined
        if (pair === undefined) break
        offset = offsetOf(pair.key)
        node = pair.value
      }
      return placeAt(offset)
    },
  }
}

/** What the parser throws of itself (depth, aliases) is a file that cannot be used. */
function guarded<T>(file: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof SafeconductError) throw cause
    const message = `${file} cannot be used: it is nested too deeply or repeats parts by reference.`
    throw new SafeconductError('invalid_request', { message, cause })
  }
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0
}

/** The text; written to `file` when one is named, as JSON where its name says so. @throws `invalid_request` */
export function writeCorrections(file: string | null, tools: JsonObject): string {
  const written =
    file?.endsWith('.json') === true
      ? `${JSON.stringify({ tools }, null, 2)}\n`
      : stringify({ tools }, { lineWidth: 0 })
  if (file === null) return written.trimEnd()
  try {
    writeFileSync(file, written)
  } catch (cause) {
    throw new SafeconductError('invalid_request', { message: `${file} cannot be written.`, cause })
  }
  return written
}

/** One line a tool and one a fact: `+` is new, `-` goes, `~` changes. */
export function differenceLines(changes: readonly JsonObject[]): string[] {
  return changes.flatMap((change) => {
    const [before, after] = [factsOf(object(change, 'before')), factsOf(object(change, 'after'))]
    const names = [...new Set([...before.keys(), ...after.keys()])].sort()
    const lines = names.flatMap((name) => {
      const [old, next] = [before.get(name), after.get(name)]
      if (old === next) return []
      if (old === undefined) return [`  + ${name}: ${next}`]
      return [next === undefined ? `  - ${name}: ${old}` : `  ~ ${name}: ${old} → ${next}`]
    })
    return [String(change.tool), ...lines].map(plain)
  })
}

function factsOf(corrections: JsonObject): Map<string, string> {
  const { args, ...facts } = corrections
  const kinds = isJsonObject(args ?? null) ? Object.entries(args as JsonObject) : []
  return new Map([
    ...Object.entries(facts).map(([name, value]): [string, string] => [name, String(value)]),
    ...kinds.map(([name, kind]): [string, string] => [`args.${name}`, String(kind)]),
  ])
}
