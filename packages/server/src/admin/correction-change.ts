/**
 * A change of corrections as its owner confirms it: every fact that changes, from what to what. What is taken back, and
 * what makes a tool be trusted more, comes first and is counted, so that nothing else can push it out of sight.
 * @module
 */
import { type JsonObject, SafeconductError, type ToolCorrections } from '@safeconduct/protocol'
import type { Asked } from '../http/route.ts'
import { displayText } from '../pages/html.ts'

export interface CorrectionChange {
  readonly tool: string
  readonly before: ToolCorrections | null
  readonly after: ToolCorrections | null
}

/** More than a person reads before confirming. */
const MAX_FACTS = 1000
const DERIVED = 'as derived'

interface Fact {
  readonly tool: string
  readonly name: string
  readonly before: string
  readonly after: string
}

/** @throws {SafeconductError} `too_large` when nobody could read it before confirming */
export function askedChange(changes: readonly CorrectionChange[]): Asked {
  const facts = changes.flatMap(factsOf)
  if (facts.length > MAX_FACTS) {
    const message = `A change of ${facts.length} facts is more than a person can confirm; at most ${MAX_FACTS} at once.`
    throw new SafeconductError('too_large', { message })
  }
  const taken = facts.filter(({ after }) => after === DERIVED)
  const trusted = facts.filter((fact) => !taken.includes(fact) && isTrustedMore(fact))
  const other = facts.filter((fact) => !taken.includes(fact) && !trusted.includes(fact))
  const groups = [
    { name: 'taken back', key: 'takenBack', facts: taken },
    { name: 'trusted more', key: 'trustedMore', facts: trusted },
    { name: 'other', key: 'other', facts: other },
  ].filter(({ facts: found }) => found.length > 0)
  const counts = groups.map(({ name, facts: found }) => `${found.length} ${name}`).join(', ')
  const tools = changes.length === 1 ? '1 tool' : `${changes.length} tools`
  const named = groups.flatMap(({ facts: found }) => found.map(briefly)).join(', ')
  return {
    summary: `Correct the roles of ${tools} (${counts}): ${named}`,
    shown: Object.fromEntries(groups.map(({ key, facts: found }) => [key, found.map(line)])),
  }
}

const briefly = ({ tool, name, after }: Fact) => `${tool} ${name} → ${after}`

const line = ({ tool, name, before, after }: Fact) =>
  displayText(`${tool} ${name}: ${before} → ${after}`, 1000)

function factsOf({ tool, before, after }: CorrectionChange): Fact[] {
  const [old, next] = [flat(before), flat(after)]
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((name) => {
    const fact = { tool, name, before: old.get(name) ?? DERIVED, after: next.get(name) ?? DERIVED }
    return fact.before === fact.after ? [] : [fact]
  })
}

function flat(corrections: ToolCorrections | null): Map<string, string> {
  const { args = {}, ...facts } = (corrections ?? {}) as JsonObject & { args?: JsonObject }
  return new Map([
    ...Object.entries(facts).map(([name, value]) => [name, String(value)] as const),
    ...Object.entries(args).map(([name, kind]) => [`args.${name}`, String(kind)] as const),
  ])
}

/** Facts that, told so, make decisions doubt less. */
const TRUSTING: Readonly<Record<string, string>> = {
  effect: 'read',
  destructive: 'false',
  openWorld: 'false',
  reversible: 'true',
  thirdPartyOutput: 'false',
  documentOutput: 'false',
  ownData: 'true',
}
/** Kinds of arguments that do not steer by their value. */
const HARMLESS = new Set(['free', 'amount', 'time', 'scalar'])

function isTrustedMore({ name, after }: Fact): boolean {
  return TRUSTING[name] === after || (name.startsWith('args.') && HARMLESS.has(after))
}
