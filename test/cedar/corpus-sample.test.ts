import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { readArchive, sharedCedarVectors } from './archive.ts'
import { replay, replayed } from './replay.ts'

const SEED = 0x5afe
const SAMPLE = 150

/** mulberry32: the same sample everywhere. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

test('a seeded sample of the Cedar corpus, exactly', (t) => {
  const folder = sharedCedarVectors()
  if (folder === undefined) {
    console.error('SKIPPED: the shared Cedar vectors are missing (set SAFECONDUCT_SHARED)')
    t.skip('no shared vectors')
    return
  }
  const archive = readArchive(path.join(folder, 'corpus-tests.tar.gz'))
  const names = [...archive.keys()].filter(
    (name) => name.endsWith('.json') && !name.endsWith('entities.json'),
  )
  assert.equal(names.length, 7809)
  const next = random(SEED)
  const totals = replayed()
  for (let i = 0; i < SAMPLE; i++) {
    const name = names[Math.floor(next() * names.length)]
    if (name !== undefined) replay(archive, name, true, totals)
  }
  assert.deepEqual(totals.failures, [])
  assert.equal(totals.requests, SAMPLE * 8)
  assert.equal(totals.plainRequests, SAMPLE * 8)
})

test('the hand-written Cedar set, exactly', (t) => {
  const folder = sharedCedarVectors()
  if (folder === undefined) {
    t.skip('no shared vectors')
    return
  }
  const archive = readArchive(path.join(folder, 'handwritten.tar.gz'))
  const totals = replayed()
  for (const name of archive.keys()) {
    if (name.startsWith('tests/') && name.endsWith('.json')) replay(archive, name, false, totals)
  }
  assert.deepEqual(totals.failures, [])
  assert.equal(totals.requests, 74)
})
