/**
 * Reads server-sent events (WHATWG HTML §9.2.6) whose data are JSON values, bounded.
 * @module
 */
import { type JsonValue, parseJson, SafeconductError } from '@safeconduct/protocol'

const MAX_EVENT = 16 * 1024 * 1024

export async function readEvents(
  stream: AsyncIterable<Uint8Array>,
  take: (value: JsonValue) => void,
): Promise<void> {
  const decoder = new TextDecoder('utf-8')
  let rest = ''
  let data: string[] = []
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true })
    if (rest.length > MAX_EVENT) throw new SafeconductError('too_large')
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0 && data.join('') !== '')
          take(parseJson(data.join('\n'), { maxLength: MAX_EVENT, maxDepth: 64 }))
        data = []
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5))
      }
    }
  }
}
