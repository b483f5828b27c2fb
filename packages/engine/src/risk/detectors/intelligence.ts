/**
 * Addresses that stand on a list of known bad ones: where the call comes from, or where its effect goes. The list says
 * how sure it is; bits are the odds that follow from that.
 * @module
 */
import { clip, type Detector } from '../detector.ts'

export const intelligence: Detector<null> = {
  name: 'intelligence',
  about: 'behaviour',
  cap: 6,
  halfLife: 6 * 3_600_000,
  grows: 'level',
  empty: () => null,
  score(_state, { intelligence: matches }) {
    const [first] = [...(matches ?? [])].sort((a, b) => b.confidence - a.confidence)
    if (first === undefined) return null
    const { where, source, indicator, confidence, technique } = first
    const bits = clip(Math.log2(confidence / (1 - confidence)), 0, 6)
    return {
      bits,
      reason: `${place(where)} stands on the list ${source} of known bad addresses (${indicator}).`,
      confidence,
      ...(technique === undefined ? {} : { technique }),
    }
  },
}

function place(where: string): string {
  if (where === 'ip') return 'The network address of the caller'
  return where === 'client' ? 'The client' : `An address in the argument ${where}`
}
