import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Undo, unwinding } from './unwind.ts'

describe('unwinding', () => {
  it('runs backwards, with the steps that were added after it was made, and once for everybody', async () => {
    const seen: number[] = []
    const steps: Undo[] = [() => void seen.push(1)]
    const end = unwinding(steps)
    steps.push(async () => void seen.push(2))
    await Promise.all([end(), end()])
    await end()
    assert.deepEqual(seen, [2, 1])
  })

  it('tries every step and then tells the first failure', async () => {
    const seen: number[] = []
    const fail = (text: string) => () => {
      throw new Error(text)
    }
    const end = unwinding([() => void seen.push(1), fail('second'), () => void seen.push(2), fail('first')])
    await assert.rejects(end(), /first/)
    assert.deepEqual(seen, [2, 1])
  })
})
