import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RelationsError } from '../errors.ts'
import { atOneRevision } from './pace.ts'

describe('a walk at one revision', () => {
  it('starts again when a write came in, even one that a promise made', async () => {
    let revision = 0
    let walks = 0
    const result = await atOneRevision(
      () => revision,
      async () => {
        walks++
        const seen = revision
        if (walks < 3) revision++
        await Promise.resolve()
        return seen
      },
    )
    assert.deepEqual([result, walks], [2, 3])
  })

  it('keeps what fails at one revision, drops what failed because of a write', async () => {
    let revision = 0
    const failing = (writes: boolean) =>
      atOneRevision(
        () => revision,
        async () => {
          if (writes && revision === 0) revision++
          else if (writes) return 'fine'
          throw new Error('broken')
        },
      )
    await assert.rejects(failing(false), /broken/)
    assert.equal(await failing(true), 'fine')
  })

  it('gives up when writes never stop', async () => {
    let revision = 0
    const endless = atOneRevision(
      () => revision,
      async () => revision++,
    )
    await assert.rejects(
      endless,
      (error: unknown) => error instanceof RelationsError && error.code === 'limit_exceeded',
    )
  })
})
