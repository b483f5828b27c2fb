/**
 * What a server says beside its answers: names, descriptions and schemas of its tools. An agent reads them before it
 * calls anything, and they are the server's words, so the addresses in them are labelled like those of any output that
 * nobody asked for. Only addresses: every other word of a definition is meant to be used in calls.
 * @module
 */
import { scalars } from './json.ts'
import { canon } from './normal.ts'
import type { SeenOutput } from './state.ts'
import { tokensOf } from './tokens.ts'

const MAX_ADDRESSES = 64

/** The addresses of one definition as an output of the server that nobody named; null without any. */
export function spokenBy(server: string, tool: string, definition: unknown): SeenOutput | null {
  const found = new Set<string>()
  for (const { value, key } of scalars(definition).leaves) {
    if (typeof value !== 'string' || key === '$schema' || key === '$id') continue
    for (const token of tokensOf(value)) if (found.size < MAX_ADDRESSES) found.add(canon(token.text))
  }
  if (found.size === 0) return null
  const text = [...found].join('\ue000')
  return {
    callId: '',
    server,
    tool,
    thirdParty: true,
    naming: null,
    host: null,
    text,
    fields: [
      {
        at: 0,
        end: text.length,
        record: 0,
        key: 'description',
        whole: false,
        author: false,
        hidden: false,
        breaks: [],
        spans: [],
      },
    ],
  }
}
