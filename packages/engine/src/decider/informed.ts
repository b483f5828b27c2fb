/**
 * What lists of known bad addresses say of a call becomes part of the question, before the turn: from then on the
 * decision depends on the request only, and what is recorded can be judged again under the lists of its day.
 * @module
 */
import type { CallRequest, IndicatorKind, IndicatorMatch } from '@safeconduct/protocol'
import { scalars } from '../flow/json.ts'
import { canon, clean, fold } from '../flow/normal.ts'
import { hostOf, type Token, tokensOf } from '../flow/tokens.ts'
import type { Intelligence } from '../ports.ts'
import { bare } from '../risk/signal.ts'
import { indicatorKey } from './indicator-key.ts'

const LIMITS = { depth: 16, leaves: 256 } as const
/** Of one argument, and of all. */
const MAX_TOKENS = { one: 64, all: 1024 } as const
const MAX_MATCHES = 8
/** Of a longer text only the beginning is searched. */
const MAX_TEXT = 16_384
/** Of all arguments; the short ones first, so that no long text hides them. */
const MAX_TEXTS = 262_144
const MAX_LABELS = 8
const MAX_ACCOUNT = 64

type Ask = (where: string, kind: IndicatorKind, value: string) => boolean

export function informed(request: CallRequest, intelligence: Intelligence | undefined): CallRequest {
  const { context, grant, operation, at } = request
  if (intelligence === undefined) return request
  const matches: IndicatorMatch[] = []
  const ask: Ask = (where, kind, value) => {
    const found = intelligence.find(indicatorKey(kind, value), at)
    if (found === null) return false
    const { id, source, confidence, technique } = found
    const named = technique === undefined ? {} : { technique }
    matches.push({ indicator: id, source, where, confidence, ...named })
    return true
  }
  if (context.ip !== null) ask('ip', 'ip', context.ip)
  // The client's id may be the address of its metadata.
  for (const token of tokensOf(fold(clean(grant.clientId.slice(0, MAX_TEXT))), 1))
    askToken('client', token, ask)
  let room: number = MAX_TOKENS.all
  let texts = MAX_TEXTS
  const strings = scalars(operation.args, LIMITS).leaves.flatMap(({ path, value }) =>
    typeof value === 'string' ? [{ path, value }] : [],
  )
  for (const { path, value } of strings.sort((a, b) => a.value.length - b.value.length)) {
    texts -= Math.min(value.length, MAX_TEXT)
    if (matches.length >= MAX_MATCHES || room <= 0 || texts < 0) break
    // Accounts of a house have a form of their own, which no pattern knows.
    if (value.length <= MAX_ACCOUNT && ask(bare(path), 'account', value)) continue
    const tokens = tokensOf(fold(clean(value.slice(0, MAX_TEXT))), Math.min(room, MAX_TOKENS.one))
    room -= tokens.length
    tokens.some((token) => askToken(bare(path), token, ask))
  }
  if (matches.length === 0) return request
  return { ...request, context: { ...context, intelligence: matches } }
}

function askToken(where: string, { kind, text }: Token, ask: Ask): boolean {
  if (ask(where, kind, text)) return true
  const value = canon(text)
  if (kind === 'url') return hosts(hostOf(value)).some((host) => ask(where, 'host', host))
  return (
    kind === 'email' && hosts(value.slice(value.indexOf('@') + 1)).some((host) => ask(where, 'host', host))
  )
}

/** The host and every domain above it, top levels left out. */
function hosts(host: string): string[] {
  const labels = host.split('.').slice(-MAX_LABELS)
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join('.'))
}
