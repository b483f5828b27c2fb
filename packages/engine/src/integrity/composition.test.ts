import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompositionPart } from '@safeconduct/protocol'
import { attest, compositionDigest } from './composition.ts'

const model: CompositionPart = { kind: 'model', name: 'm', digest: 'sha256:1', standing: 'declared' }
const prompt: CompositionPart = { kind: 'prompt', name: 'p', digest: 'sha256:2', standing: 'declared' }

test('order and standing are no part of what an agent is made of; names and digests are', () => {
  const digest = compositionDigest([model, prompt])
  assert.equal(compositionDigest([prompt, { ...model, standing: 'attested' }]), digest)
  for (const other of [
    { ...model, digest: 'sha256:3' },
    { ...model, name: 'n' },
    { ...model, kind: 'tools' as const },
  ]) {
    assert.notEqual(compositionDigest([other, prompt]), digest)
  }
  assert.notEqual(compositionDigest([model]), digest)
})

test('evidence stands for as long as the composition differs from the approved one', () => {
  assert.deepEqual(attest(undefined), [])
  assert.deepEqual(attest({ approved: 'a', current: 'a' }), [])
  const [found] = attest({ approved: 'a', current: 'b' })
  assert.equal(found?.about, 'integrity')
  assert.ok((found?.bits ?? 0) > 0)
})
