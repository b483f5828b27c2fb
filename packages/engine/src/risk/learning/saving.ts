/**
 * When a baseline is saved without being asked for: at the end of enrolment, then after so many lessons or a week of
 * learning. What an agent became while it is doubted is not worth keeping.
 * @module
 */
import type { SavedBaseline } from '../../ports.ts'
import type { TrustLive } from '../trust.ts'
import type { Learning } from './learning.ts'

const EVERY = { lessons: 1000, ms: 7 * 24 * 3_600_000 } as const

export function isSaveDue(
  agent: {
    readonly risk: { readonly learning: Learning }
    readonly saved: readonly SavedBaseline[]
    readonly trust: TrustLive
  },
  at: number,
): boolean {
  const { enrolment, learned, contestedAt } = agent.risk.learning
  if (enrolment === null || contestedAt !== null || agent.trust.level === 'suspended') return false
  const last = agent.saved.at(-1)
  if (last === undefined) return true
  return learned >= last.learned + EVERY.lessons || (learned !== last.learned && at - last.at >= EVERY.ms)
}
