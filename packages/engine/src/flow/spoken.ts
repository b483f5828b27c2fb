/**
 * What a server says beside its answers. Definitions of tools, titles and descriptions of what it lists, and its
 * instructions are meant to be used in calls, so only the addresses in them are labelled, like those of any output that
 * nobody asked for. Messages (progress, log lines, questions to the user) are not: all of their text is labelled.
 * @module
 */
import { scalars } from './json.ts'
import { canon } from './normal.ts'
import { observe } from './observe.ts'
import { deriveRoles } from './roles.ts'
import { emptyFlow, type SeenOutput } from './state.ts'
import { tokensOf } from './tokens.ts'

const MAX_ADDRESSES = 256
/** More of a definition than is examined of a call: where its words stand is the server's choice. */
const WHOLE = { depth: 64, leaves: 8192 } as const

/** The addresses of one definition as an output of the server that nobody named; null without any. */
export function spokenBy(server: string, tool: string, definition: unknown): SeenOutput | null {
  const found = new Set<string>()
  for (const { value, key } of scalars(definition, WHOLE).leaves) {
    if (found.size >= MAX_ADDRESSES) break
    if (typeof value !== 'string' || key === '$schema' || key === '$id') continue
    for (const token of tokensOf(value, MAX_ADDRESSES))
      if (found.size < MAX_ADDRESSES) found.add(canon(token.text))
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

/** `listing` and `instructions` are meant to be used in calls; a `message` is told to whoever listens. */
export type SpokenAs = 'instructions' | 'listing' | 'message'

/** What is kept of the words of one server: the latest messages, and so many characters of them. */
const HEARD = { outputs: 64, text: 32_768, one: 8192 } as const
const LISTENING = deriveRoles({
  name: 'get_message',
  inputSchema: { type: 'object', properties: {} },
})

/** The words of a server after it said something more; the same text twice is once, and what was said long ago goes. */
export function afterHearing(
  known: readonly SeenOutput[],
  server: string,
  source: SpokenAs,
  texts: readonly string[],
): readonly SeenOutput[] {
  const said =
    source === 'message' ? messageOf(server, texts) : spokenBy(server, source, texts.slice(0, 4096))
  if (said === null) return known
  const all = [...known.filter((each) => each.tool !== said.tool || each.text !== said.text), said]
  let size = all.reduce((sum, each) => sum + each.text.length, 0)
  let first = Math.max(0, all.length - HEARD.outputs)
  while (first < all.length - 1 && size > HEARD.text) size -= all[first++]?.text.length ?? 0
  return all.slice(first)
}

function messageOf(server: string, texts: readonly string[]): SeenOutput | null {
  const event = observe(emptyFlow(null), {
    callId: '',
    server,
    tool: 'message',
    roles: { ...LISTENING, thirdPartyOutput: true, documentOutput: true },
    args: {},
    result: { text: [texts.join('\n').slice(0, HEARD.one)] },
    error: null,
  })
  return event.type === 'observed' ? event.output : null
}
