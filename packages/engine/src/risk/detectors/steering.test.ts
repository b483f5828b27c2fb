import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Trace } from '../../flow/index.ts'
import type { Signal } from '../detector.ts'
import { provenanceEvidence } from '../provenance.ts'
import { assess, emptyRisk, learnAttempt, remember } from '../score.ts'
import { isSamePassage, steeringOf } from './steering.ts'

const AT = 1_700_000_000_000
const doubted = (passage: string, question: string): Trace => ({
  labels: [],
  evidence: [
    { term: 'hostile', weight: 3, path: 'to', reason: 'recipient stands in text written for an agent' },
  ],
  score: 3,
  doubt: 'deny',
  facts: { privateDataRead: false, untrustedSeen: true, openWorldSink: true },
  question,
  passage,
})
const signal: Signal = {
  at: AT,
  tool: 'mail/send',
  write: true,
  numbers: [],
  parties: [],
  steered: true,
  steering: null,
  place: null,
  proofAge: null,
}

/** Remembered risk after calls that were stopped. */
function after(calls: readonly Trace[]): number {
  const live = emptyRisk()
  for (const trace of calls) {
    const steering = steeringOf(trace)
    const found = assess(live, provenanceEvidence(trace, isSamePassage(live, steering)), AT)
    remember(live, found.changes, AT)
    learnAttempt(live, { ...signal, steering }, 'deny')
  }
  return assess(live, [], AT).before
}

test('one passage that asks for three things is one injection; three passages are three', () => {
  const same = after([doubted('p', 'a'), doubted('p', 'b'), doubted('p', 'c')])
  const apart = after([doubted('p', 'a'), doubted('q', 'b'), doubted('r', 'c')])
  assert.ok(same < 30, String(same))
  assert.ok(apart > 35, String(apart))
})

test('coming back with what was stopped counts in full each time', () => {
  assert.ok(after([doubted('p', 'a'), doubted('p', 'a'), doubted('p', 'a')]) > 35)
})

test('many things of one passage narrow in the end', () => {
  const many = Array.from({ length: 14 }, (_, i) => doubted('p', String(i)))
  assert.ok(after(many) > 35)
})

test('a call that nobody steered leaves no trace', () => {
  assert.equal(steeringOf({ ...doubted('p', 'a'), passage: null }), null)
  assert.equal(isSamePassage(null, null), false)
})

test('what was let through is no question that was stopped: the same again is no known passage', () => {
  const live = emptyRisk()
  const steering = steeringOf(doubted('p', 'a'))
  learnAttempt(live, { ...signal, steering }, 'allow')
  assert.equal(isSamePassage(live, steeringOf(doubted('p', 'b'))), false)
  learnAttempt(live, { ...signal, steering }, 'approval')
  assert.equal(isSamePassage(live, steeringOf(doubted('p', 'b'))), true)
  assert.equal(isSamePassage(live, steering), false, 'asked again, it counts in full')
})
