/**
 * The operator's list of known bad addresses, kept as it is in its file.
 * @module
 */
import { type Config, SafeconductError } from '@safeconduct/protocol'
import { createIndicators, type Indicators } from '@safeconduct/store'

export interface OpenIndicators {
  readonly indicators: Indicators
  close(): void
}

const LOOK_MS = 15_000

/** @returns null when no list is set @throws `invalid_request` when the list cannot be used at the start */
export async function openIndicators(
  config: Config,
  warn: (text: string) => void,
): Promise<OpenIndicators | null> {
  const file = config.SAFECONDUCT_INDICATORS
  if (file === undefined) return null
  const indicators = createIndicators(file)
  await indicators.refresh()
  let told = ''
  const tell = (cause: unknown) => {
    const text = cause instanceof SafeconductError ? cause.message : 'it could not be read'
    if (text !== told) warn(`SAFECONDUCT_INDICATORS: ${text}; the list before it stays`)
    told = text
  }
  const timer = setInterval(() => {
    indicators.refresh().then((changed) => {
      if (changed) told = ''
    }, tell)
  }, LOOK_MS)
  timer.unref()
  return { indicators, close: () => clearInterval(timer) }
}
