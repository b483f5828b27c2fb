/**
 * Signs in how a client names itself: letters that only look like plain ones, and tools that nobody works with by hand
 * where the agent always came with another client. A name is only what the caller says, so this weighs little by itself;
 * how usual the name is for the agent is `arrival`'s.
 * @module
 */
import { touch } from '../../bounded.ts'
import type { Detector } from '../detector.ts'
import { clientOf } from '../login/seen.ts'

export interface ClientState {
  /** Settled calls by family of the client; 0 = only let in. */
  readonly families: Map<string, number>
  settled: number
}

const KEPT = 16
const ENOUGH = 5
const SCRIPTED =
  /\b(?:curl|wget|httpie|python-requests|python-urllib|aiohttp|httpx|go-http-client|okhttp|libwww-perl|headlesschrome|phantomjs|puppeteer|playwright|selenium|sqlmap|nikto|nmap|masscan|zgrab|burp|ffuf|gobuster|nuclei)\b/i

export const client: Detector<ClientState> = {
  name: 'client',
  about: 'credential',
  cap: 2,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ families: new Map(), settled: 0 }),
  score({ families, settled }, { seen }) {
    const name = seen === undefined ? null : clientOf(seen)
    if (seen === undefined || name === null || families.has(name.family)) return null
    if (seen.disguised) {
      return {
        bits: 2,
        reason: 'The client names itself with letters that only look like plain ones.',
        confidence: 0.6,
        technique: 'AML.T0074',
      }
    }
    if (settled < ENOUGH || !SCRIPTED.test(name.full)) return null
    return {
      bits: 1.5,
      reason: 'The agent comes with a tool for scripts or scans, and never did before.',
      confidence: 0.5,
    }
  },
  // Whoever let it in had a proof of the key: the same client is not asked about at every other call.
  attempt({ families }, { seen }, outcome) {
    const name = seen === undefined || outcome !== 'allow' ? null : clientOf(seen)
    if (name !== null && !families.has(name.family)) touch(families, name.family, 0, KEPT)
  },
  settled(state, { seen }) {
    const name = seen === undefined ? null : clientOf(seen)
    if (name === null || seen?.disguised === true) return
    state.settled++
    touch(state.families, name.family, (state.families.get(name.family) ?? 0) + 1, KEPT)
  },
}
