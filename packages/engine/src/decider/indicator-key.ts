/**
 * One spelling of an address, so that a list and a call mean the same one however either writes it.
 * @module
 */
import type { IndicatorKind } from '@safeconduct/protocol'
import { canon, squash } from '../flow/normal.ts'

export function indicatorKey(kind: IndicatorKind, value: string): string {
  return `${kind} ${spelling(kind, value)}`
}

function spelling(kind: IndicatorKind, value: string): string {
  if (kind === 'account' || kind === 'phone') return squash(canon(value))
  const text = canon(value)
  // An IPv4 client on a socket of both families.
  return kind === 'ip' ? text.replace(/^::ffff:(?=\d+\.)/, '') : text
}
