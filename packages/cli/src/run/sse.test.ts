import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonValue } from '@safeconduct/protocol'
import fc from 'fast-check'
import { readEvents } from './sse.ts'

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut)
    from = cut
  }
}

describe('readEvents', () => {
  it('finds the same events however the bytes are cut', async () => {
    const text =
      ': hello\n\nevent: message\nid: 1\ndata: {"a":"é\u{1F511}"}\n\ndata:\n\ndata: [1,\ndata: 2]\n\ndata: {"cut":true}'
    const bytes = new TextEncoder().encode(text)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
        const seen: JsonValue[] = []
        await readEvents(pieces(bytes, cuts), (value) => seen.push(value))
        assert.equal(
          JSON.stringify(seen),
          '[{"a":"é\u{1F511}"},[1,2]]',
          'an event without its end is no event',
        )
      }),
    )
  })

  it('refuses data that is not JSON', async () => {
    const bytes = new TextEncoder().encode('data: nonsense\n\n')
    await assert.rejects(
      readEvents(pieces(bytes, []), () => undefined),
      { code: 'invalid_json' },
    )
  })
})
