/**
 * How servers write answers down: YAML as serialisers fold and quote it, JSON, Python literals.
 * @module
 */
import type { JsonValue } from '../../../packages/engine/src/flow/json.ts'

/** An answer, once it is known what a stranger wrote into it. */
export type Written = string | ((said: string) => string)

/** Stands in answers where a stranger can write. */
export const SLOT = '\u2063slot\u2063'

export function answer(written: Written, said: string): string {
  if (typeof written === 'function') return written(said)
  return written.replaceAll(SLOT, () => said).replace(/[ \t]+$/gm, '')
}

/** Before it is written down: quotes and escapes are the server's. */
function filled(value: JsonValue, said: string): JsonValue {
  if (typeof value === 'string') return value.replaceAll(SLOT, () => said).trimEnd()
  if (Array.isArray(value)) return value.map((item) => filled(item, said))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, said)]))
  return value
}

const WIDTH = 80
const PLAIN = /^(?![-?:,[\]{}#&*!|>'"%@`\s])(?!.*(?:: |:$| #))[^\n]*[^\s]$/
const TYPED = /^(?:true|false|null|yes|no|on|off|~|[-+]?[\d.][\d._:eE+-]*|\d{4}-\d\d-\d\d.*)$/i

/** Block YAML, long strings folded at 80 characters, strings that could be read otherwise in single quotes. */
export function yaml(value: JsonValue): Written {
  return (said) => `${block(filled(value, said), 0).trimEnd()}\n`
}

function block(value: JsonValue, indent: number): string {
  const pad = ' '.repeat(indent)
  if (Array.isArray(value)) {
    if (value.length === 0) return `${pad}[]\n`
    return value.map((item) => `${pad}- ${block(item, indent + 2).slice(indent + 2)}`).join('')
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if (entries.length === 0) return `${pad}{}\n`
    return entries.map(([key, item]) => `${pad}${scalar(key, 0, 0)}:${under(item, indent)}`).join('')
  }
  return `${pad}${scalar(value, indent, indent)}\n`
}

function under(item: JsonValue, indent: number): string {
  if (Array.isArray(item)) return item.length === 0 ? ' []\n' : `\n${block(item, indent)}`
  if (typeof item === 'object' && item !== null)
    return Object.keys(item).length === 0 ? ' {}\n' : `\n${block(item, indent + 2)}`
  return ` ${scalar(item, indent + 2, indent + 10)}\n`
}

function scalar(value: JsonValue, indent: number, column: number): string {
  if (typeof value !== 'string') return value === null ? 'null' : String(value)
  if (value === '') return "''"
  if (PLAIN.test(value) && !TYPED.test(value)) return fold(value, indent, column)
  // A quoted scalar says a line break with an empty line.
  const lines = value.replaceAll("'", "''").split('\n')
  return `'${lines.map((line) => fold(line, indent, column)).join(`\n\n${' '.repeat(indent)}`)}'`
}

function fold(text: string, indent: number, column: number): string {
  let out = ''
  let at = column
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (out === '') out = word
    else if (at + word.length > WIDTH) {
      out += `\n${' '.repeat(indent)}${word}`
      at = indent
    } else out += ` ${word}`
    at += word.length + 1
  }
  return out
}

export function json(value: JsonValue, indent = 0): Written {
  return (said) => JSON.stringify(filled(value, said), null, indent)
}

/** As Python prints it. */
export function python(value: JsonValue): Written {
  return (said) => literal(filled(value, said))
}

function literal(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, item]) => `${literal(key)}: ${literal(item)}`)
      .join(', ')}}`
  if (typeof value === 'string') {
    const bare = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
    return bare.includes("'") && !bare.includes('"') ? `"${bare}"` : `'${bare.replaceAll("'", "\\'")}'`
  }
  if (value === null) return 'None'
  return value === true ? 'True' : value === false ? 'False' : String(value)
}
