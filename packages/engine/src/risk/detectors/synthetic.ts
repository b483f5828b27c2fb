/**
 * A new agent that looks made up: one of a burst of registrations, named like another agent, or redirecting to where
 * nobody has to say who they are (`login/registration.ts`). What the registration showed counts for some days and less
 * with every clean call.
 * @module
 */
import { clip, type Detector } from '../detector.ts'
import { BURST } from '../login/registration.ts'

export interface SyntheticState {
  settled: number
}

const FADES_IN = 7 * 24 * 3_600_000
const CLEARED_AFTER = 50
const CAP = 3.5

export const synthetic: Detector<SyntheticState> = {
  name: 'synthetic',
  about: 'behaviour',
  cap: CAP,
  halfLife: 24 * 3_600_000,
  grows: 'level',
  empty: () => ({ settled: 0 }),
  score({ settled }, { at, registered }) {
    if (registered === undefined) return null
    const { burst, alike, throwaway } = registered.signs
    const age = clip((at - registered.at) / FADES_IN, 0, 1)
    const left = (1 - age) * clip(1 - settled / CLEARED_AFTER, 0, 1)
    const signs: [number, string][] = []
    if (burst >= BURST)
      signs.push([clip(Math.log2((2 * burst) / BURST), 0, 2), 'it came with a burst of others'])
    if (alike !== null) signs.push([2, `its name is made to look like ${alike}`])
    if (throwaway) signs.push([1, 'it redirects to a place that anybody can have for a while'])
    const bits = left * signs.reduce((sum, [each]) => sum + each, 0)
    if (bits < 0.25) return null
    return {
      bits: clip(bits, 0, CAP),
      reason: `The agent was registered lately, and ${signs.map(([, said]) => said).join('; ')}.`,
      confidence: 0.5,
      technique: 'AML.T0021',
    }
  },
  settled(state) {
    state.settled++
  },
}
