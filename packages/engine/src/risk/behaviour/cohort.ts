/**
 * A raw score against one person's baseline says little until it is known how the same piece scores against others'. Test
 * normalisation of speaker verification: distance from the mean of a cohort's scores in their standard deviations
 * (Auckenthaler, Carey, Lloyd-Thomas, "Score Normalization for Text-Independent Speaker Verification Systems", Digital
 * Signal Processing 10, 2000). Makes one threshold fit all people and devices.
 * @module
 */

/** Keeps a cohort of nearly equal scores from blowing the distance up; in the unit of the scores. */
const LEAST_DEVIATION = 0.05

/** @param cohort scores of the same piece against other people's baselines; fewer than 2 = not normalised */
export function normalise(score: number, cohort: readonly number[]): number {
  if (cohort.length < 2) return score
  let mean = 0
  for (const other of cohort) mean += other / cohort.length
  let variance = 0
  for (const other of cohort) variance += (other - mean) ** 2 / cohort.length
  return (score - mean) / (Math.sqrt(variance) + LEAST_DEVIATION)
}
