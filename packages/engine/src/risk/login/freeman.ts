/**
 * How much likelier a login is anybody's than this user's, from counts alone: Freeman, Jain, Dürmuth, Biggio, Giacinto,
 * "Who are you? A statistical approach to measuring user authenticity", NDSS 2016, equation 7 without data of attacks,
 * with the smoothing and edge cases of its public reference (Wiefling et al. 2022, github.com/das-group/rba-algorithm).
 *
 * A feature is a chain of ever coarser levels (address, its network, its country). Counts are bounded: values of a level
 * that are seen least are forgotten and count from then on for the coarser levels only.
 * @module
 */

/** A login as values by feature, finest level first. */
export type Login = readonly (readonly string[])[]

export interface FeatureCounts {
  readonly levels: readonly Map<string, number>[]
  /** By value of the finest level: which values of each coarser level it came with. */
  readonly below: Map<string, readonly (readonly string[])[]>
}

export interface LoginCounts {
  rows: number
  readonly features: readonly FeatureCounts[]
}

/** By feature, the weight of each level, finest first. */
export type LevelWeights = readonly (readonly number[])[]

/** Of the reference: address, network, country; user agent, browser, operating system, device. */
export const REFERENCE_WEIGHTS: LevelWeights = [
  [0.6, 0.3, 0.1],
  [0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.0051065150812021525],
]
/** A value that the user never had is so many times likelier of anybody. */
const NEVER = 4
const KEPT_SHARE = 15 / 16
const MAX_BELOW = 64

export function emptyLogins(weights: LevelWeights = REFERENCE_WEIGHTS): LoginCounts {
  return {
    rows: 0,
    features: weights.map((levels) => ({ levels: levels.map(() => new Map()), below: new Map() })),
  }
}

/** @param limit of values kept at each level */
export function countLogin(counts: LoginCounts, login: Login, limit: number): void {
  counts.rows++
  counts.features.forEach(({ levels, below }, feature) => {
    const values = login[feature] ?? []
    levels.forEach((level, i) => {
      const value = values[i] ?? ''
      level.set(value, (level.get(value) ?? 0) + 1)
    })
    const [finest = '', ...coarser] = values
    below.set(finest, joined(below.get(finest) ?? coarser.map(() => []), coarser))
    for (const level of levels) if (level.size > limit) forget(level, limit)
    if (below.size > limit) for (const value of below.keys()) if (!levels[0]?.has(value)) below.delete(value)
  })
}

/** Above 1: likelier anybody's than the user's. Infinity for a user without history. */
export function freemanScore(
  login: Login,
  user: LoginCounts,
  all: LoginCounts,
  users: number,
  weights: LevelWeights = REFERENCE_WEIGHTS,
): number {
  let score = 1
  all.features.forEach((feature, i) => {
    const values = login[i] ?? []
    const global = globalLikelihood(feature, all.rows, values, weights[i] ?? [])
    const local = localLikelihood(user.features[i], user.rows, values, weights[i] ?? [])
    score *= global / (local === 0 ? global / NEVER : local)
  })
  return (score * (1 / users)) / (user.rows / all.rows)
}

/** No smoothing: what the user never had has no likelihood. */
function localLikelihood(
  feature: FeatureCounts | undefined,
  rows: number,
  values: readonly string[],
  weights: readonly number[],
): number {
  if (rows === 0) return 0
  return weights.reduce(
    (sum, weight, k) => sum + weight * ((feature?.levels[k]?.get(values[k] ?? '') ?? 0) / rows),
    0,
  )
}

/** The finest level is smoothed, by how many unseen values there may yet be. */
function globalLikelihood(
  { levels, below }: FeatureCounts,
  rows: number,
  values: readonly string[],
  weights: readonly number[],
): number {
  return weights.reduce((sum, weight, k) => {
    const value = values[k] ?? ''
    const count = levels[k]?.get(value) ?? 0
    if (k > 0) return sum + weight * (rows === 0 ? 0 : count / rows)
    const unseen = 1 + levels.slice(1).reduce((total, level) => total + level.size, 0)
    if (count === 0) return sum + weight / (rows + unseen)
    const unseenHere = 1 + (below.get(value) ?? []).reduce((total, each) => total + each.length, 0)
    return sum + weight * (count / (count + unseenHere)) * (count / (rows + unseen))
  }, 0)
}

function joined(known: readonly (readonly string[])[], coarser: readonly string[]) {
  return known.map((values, i) => {
    const value = coarser[i] ?? ''
    return values.includes(value) || values.length >= MAX_BELOW ? values : [...values, value]
  })
}

function forget(level: Map<string, number>, limit: number): void {
  const weakest = [...level].sort((a, b) => a[1] - b[1])
  for (const [value] of weakest.slice(0, level.size - Math.floor(limit * KEPT_SHARE))) level.delete(value)
}
