/**
 * Made-up behaviour in the shapes of the recorded one, from seeds: for tests of the harness, never for a result.
 * @module
 */
import type { Keystroke, PointerEvent } from '../../packages/engine/src/risk/behaviour/index.ts'
import type { CommandUser, MouseFileRecording, SyscallTrace } from './data.ts'
import { lcg } from './metrics.ts'

const SHARED = ['ls', 'cd', 'rm', 'vi', 'make', 'cat']

export function commandUsers(people: number): CommandUser[] {
  return Array.from({ length: people }, (_, who) => {
    const random = lcg(who + 1)
    const own = [...SHARED.slice(who % 3), ...Array.from({ length: 12 }, (_, i) => `tool-${who}-${i}`)]
    const commands = Array.from({ length: 8000 }, () => own[Math.floor(random() ** 2 * own.length)] ?? 'ls')
    return { user: `person ${who}`, commands }
  })
}

export function syscallTraces(): SyscallTrace[] {
  const trace = (part: SyscallTrace['part'], i: number): SyscallTrace => {
    const random = lcg(i * 7 + part.length)
    const first = part === 'attack' ? 6 : (i % 3) * 2
    const kinds = Array.from({ length: 120 }, (_, at) =>
      String(first + ((at + Math.floor(random() * 1.2)) % 4)),
    )
    return {
      part,
      id: `${part}-${i}`,
      kinds,
      ...(part === 'attack' ? { attack: 'made up', run: `r${i % 4}` } : {}),
    }
  }
  return (['train', 'valid', 'attack'] as const).flatMap((part) =>
    Array.from({ length: 40 }, (_, i) => trace(part, i)),
  )
}

export function typists(people: number): ReadonlyMap<string, readonly (readonly Keystroke[])[]> {
  return new Map(
    Array.from({ length: people }, (_, who) => [
      `person ${who}`,
      Array.from({ length: 3 }, (_, sample) => typing(who, sample)),
    ]),
  )
}

function typing(who: number, sample: number): Keystroke[] {
  const random = lcg(who * 100 + sample)
  let at = 0
  return Array.from({ length: 500 }, () => {
    const key = 'etaoinsr'[Math.floor(random() * 8)] ?? 'e'
    at += 90 * 1.5 ** who * (0.7 + 0.6 * random())
    return { key, press: at, release: at + 50 * 1.35 ** who * (0.8 + 0.4 * random()) }
  })
}

/** Three training recordings of each person, then own and foreign ones in turn. */
export function mouseRecordings(people: number): MouseFileRecording[] {
  return Array.from({ length: people }, (_, who) => {
    const user = `person ${who}`
    const train = [1, 2, 3].map((i) => ({ training: true, user, foreign: false, events: moving(who, i) }))
    const test = [4, 5, 6, 7].map((i) => ({
      training: false,
      user,
      foreign: i % 2 === 1,
      events: moving(i % 2 === 1 ? (who + 1) % people : who, i),
    }))
    return [...train, ...test]
  }).flat()
}

function moving(who: number, seed: number): PointerEvent[] {
  const random = lcg(who * 1000 + seed)
  let [at, x, y, angle] = [0, 600, 400, 0]
  return Array.from({ length: 1500 }, (_, i) => {
    at += i % 50 === 0 ? 800 : (12 + 10 * who) * (0.8 + 0.4 * random())
    angle += (0.2 + 0.2 * who) * (random() - 0.5)
    x = Math.min(1800, Math.max(0, x + (6 + 3 * who) * Math.cos(angle)))
    y = Math.min(1000, Math.max(0, y + (6 + 3 * who) * Math.sin(angle)))
    const state = i % 50 === 30 ? 1 : i % 50 === 31 ? 2 : 0
    return { at: Math.round(at), x: Math.round(x), y: Math.round(y), button: state === 0 ? 0 : 1, state }
  })
}
