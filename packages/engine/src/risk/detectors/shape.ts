/**
 * Arguments that look unlike any this tool was given before: other ones, or values of another length or other characters.
 * The more alike they were before, the more that says; of tools that the agent hardly knows, what other agents of the
 * tenant give them counts.
 * @module
 */
import { touch } from '../../bounded.ts'
import { fnv } from '../behaviour/peers.ts'
import { splitForm, within } from '../customs.ts'
import { clip, type Detector } from '../detector.ts'
import { isNear } from '../forms.ts'

interface Known {
  total: number
  /** Settled calls that were the first of their form. */
  novel: number
  /** Forms with how often they were settled, the latest ones. */
  readonly forms: Map<string, number>
}
export interface ShapeState {
  /** By tool and argument, hashed. */
  readonly arguments: Map<string, Known>
  /** New forms that were let through and are not learned yet, by when. */
  readonly waiting: Map<string, number>
}

const KEPT_ARGUMENTS = 128
const KEPT_FORMS = 6
const KEPT_WAITING = 48
/** Settled values of an argument before anything is said, with those that are granted for what others give it. */
const ENOUGH = 8
/** Own calls that others' are worth, when two groups of them and more know the argument. */
const PEER_CALLS = 10
/** Share of a form among others from which on it is nothing special. */
const COMMON = 0.002
/** Of the bits: a form that differs in length alone and hardly, one that comes again before it is learned, a read. */
const NEAR = 0.25
const AGAIN = 0.25
const READ = 0.75
const AGAIN_MS = 24 * 3_600_000
const LEAST = 0.5
/** Settled so often, a form is known: whatever it was at first, it is below what is worth saying. */
const KNOWN = 3
const CAP = 3.5

export const shape: Detector<ShapeState> = {
  name: 'argument-shape',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'events',
  empty: () => ({ arguments: new Map(), waiting: new Map() }),
  score(state, { tool, forms, write, at }, peers) {
    if (forms === undefined) return null
    let worst: { bits: number; path: string } | null = null
    for (const form of forms) {
      const [path, kind] = splitForm(form)
      const key = keyOf(tool, path)
      const own = state.arguments.get(key)
      const settled = own?.forms.get(kind) ?? 0
      if (settled >= KNOWN) continue
      const told = within(peers.forms, `${tool} ${path}`, kind)
      const helped = told.groups >= 2 && told.whole > 0 ? PEER_CALLS : 0
      const total = (own?.total ?? 0) + helped
      if (total < ENOUGH || told.share >= COMMON) continue
      const surprise = clip(Math.log2((total + 2) / ((own?.novel ?? 0) + 1)), 0, CAP)
      const near = settled === 0 && [...(own?.forms.keys() ?? [])].some((known) => isNear(known, kind))
      const waits = state.waiting.get(`${key} ${kind}`)
      const again = waits !== undefined && at - waits < AGAIN_MS
      // Each time it was settled, it is half as strange.
      const bits = surprise * 2 ** -settled * (near ? NEAR : 1) * (again ? AGAIN : 1) * (write ? 1 : READ)
      if (bits >= LEAST && (worst === null || bits > worst.bits)) worst = { bits, path }
    }
    if (worst === null) return null
    return {
      bits: worst.bits,
      reason:
        worst.path === '='
          ? 'The call has other arguments than this tool was ever given.'
          : `The value of the argument ${worst.path} looks unlike any that this tool was given.`,
      confidence: 0.5,
      technique: 'AML.T0053',
    }
  },
  attempt(state, { tool, forms, at }, outcome) {
    if (forms === undefined || outcome !== 'allow') return
    for (const form of forms) {
      const [path, kind] = splitForm(form)
      const key = keyOf(tool, path)
      if (state.arguments.get(key)?.forms.has(kind) === true) continue
      const waits = `${key} ${kind}`
      if (!state.waiting.has(waits)) touch(state.waiting, waits, at, KEPT_WAITING)
    }
  },
  beside: ({ arguments: known }, { waiting }) => ({ arguments: known, waiting }),
  settled(state, { tool, forms }) {
    for (const form of forms ?? []) {
      const [path, kind] = splitForm(form)
      const key = keyOf(tool, path)
      state.waiting.delete(`${key} ${kind}`)
      const known = state.arguments.get(key) ?? { total: 0, novel: 0, forms: new Map<string, number>() }
      known.total++
      if (!known.forms.has(kind)) known.novel++
      touch(known.forms, kind, (known.forms.get(kind) ?? 0) + 1, KEPT_FORMS)
      touch(state.arguments, key, known, KEPT_ARGUMENTS)
    }
  },
}

function keyOf(tool: string, path: string): string {
  return `${fnv(tool).toString(36)} ${fnv(path).toString(36)}`
}
