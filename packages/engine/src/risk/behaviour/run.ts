/**
 * One run of a process as far as it went, in bounded memory: which kinds of steps it had, how surprising the typical step
 * was to whoever knows other runs, and how regular the run is in itself.
 *
 * *Irregular*: bits that a step costs a model which knows nothing but the run so far (the step before, backed off to
 * frequencies; escapes of Witten and Bell, IEEE Trans. Inf. Theory 37, 1991, as in PPM). A program that goes round in
 * its loop costs little; one that hurries through few kinds of steps in any order costs much for how few they are.
 * @module
 */

/** Plain data: snapshots as it is. */
export interface Run {
  /** Latest kinds, newest first. */
  readonly recent: string[]
  /** Steps by kind. */
  readonly kinds: Map<string, number>
  /** Steps right after another: `<before> <kind>`. */
  readonly pairs: Map<string, number>
  /** By kind: steps that came right after it, and how many different ones. */
  readonly followed: Map<string, readonly [number, number]>
  steps: number
  /** Steps by surprise, in parts of a bit. */
  readonly surprises: number[]
  /** Bits that the run cost its own model. */
  own: number
}

/** Steps back that surprise looks at. */
export const LAGS = 3
const PARTS = 8
const MOST_BITS = 16
const LIMITS = { kinds: 1024, pairs: 4096 } as const
/** Imagined kinds of steps. */
const ALPHABET = 200

export function startRun(): Run {
  return {
    recent: [],
    kinds: new Map(),
    pairs: new Map(),
    followed: new Map(),
    steps: 0,
    surprises: new Array<number>(MOST_BITS * PARTS).fill(0),
    own: 0,
  }
}

/** @param surprise of the step to whoever knows other runs, bits */
export function advance(run: Run, kind: string, surprise: number): void {
  const [before] = run.recent
  run.own -= Math.log2(ownShare(run, before, kind))
  if (before !== undefined) follow(run, before, kind)
  raise(run.kinds, kind, LIMITS.kinds)
  const bin = Math.min(Math.max(Math.floor(surprise * PARTS), 0), MOST_BITS * PARTS - 1)
  run.surprises[bin] = (run.surprises[bin] ?? 0) + 1
  run.steps++
  run.recent.unshift(kind)
  if (run.recent.length > LAGS) run.recent.pop()
}

/** Surprise that half of the steps stay below, bits: few strange steps say little of a whole run. */
export function typicalSurprise({ surprises, steps }: Run): number {
  let left = steps / 2
  for (const [bin, n] of surprises.entries()) {
    if (n > 0 && n >= left) return (bin + left / n) / PARTS
    left -= n
  }
  return 0
}

/** Bits a step. */
export function irregularity({ own, steps }: Run): number {
  return steps === 0 ? 0 : own / steps
}

function ownShare(run: Run, before: string | undefined, kind: string): number {
  const all = run.kinds.size
  const alone = all === 0 ? 1 / ALPHABET : ((run.kinds.get(kind) ?? 0) + all / ALPHABET) / (run.steps + all)
  const [times, different] = (before === undefined ? undefined : run.followed.get(before)) ?? [0, 0]
  if (times === 0) return alone
  return ((run.pairs.get(`${before} ${kind}`) ?? 0) + different * alone) / (times + different)
}

function follow(run: Run, before: string, kind: string): void {
  const pair = `${before} ${kind}`
  const known = run.pairs.has(pair)
  if (!raise(run.pairs, pair, LIMITS.pairs)) return
  const [times, different] = run.followed.get(before) ?? [0, 0]
  run.followed.set(before, [times + 1, different + (known ? 0 : 1)])
}

/** Full maps keep what they know. */
function raise(map: Map<string, number>, key: string, limit: number): boolean {
  const had = map.get(key)
  if (had === undefined && map.size >= limit) return false
  map.set(key, (had ?? 0) + 1)
  return true
}
