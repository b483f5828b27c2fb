/**
 * Facts of a call that are read off its parts: zone and sensitivity of what it reaches, time, place, client, where each
 * argument came from, what the detectors found.
 * @module
 */
import {
  type CallContext,
  type CallRequest,
  type Evidence,
  isLoopbackAddress,
  isPublicAddress,
  type Operation,
} from '@safeconduct/protocol'
import type { Trace } from '../flow/index.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import type { Directory } from '../state.ts'
import { type Bindings, boundTo, type FlowEffect, mayFlow, NO_BINDINGS } from './bindings.ts'
import type { PolicyRecord } from './engine.ts'

export interface Surroundings {
  readonly from: string
  readonly to: string
  /** Every agent of the chain may reach from its own zone into that of the resource. */
  readonly flow: boolean
  readonly sensitivity: number
}

/** Zones and sensitivity of one call, as they are registered. */
export interface Registered {
  /** Zones of the agents, the caller first. */
  readonly agents: readonly string[]
  readonly server: string
  readonly sensitivity: number
  readonly effect: FlowEffect
}

export function surroundingsOf(directory: Directory, request: CallRequest, tool: KnownTool): Surroundings {
  const { grant, operation } = request
  const server = directory.servers.get(operation.server)
  return zonesOf(directory.policy?.compiled.bindings ?? NO_BINDINGS, operation, {
    agents: [grant.agent, ...grant.via].map((agent) => directory.agents.get(agent)?.zone ?? ''),
    server: server?.zone ?? '',
    sensitivity: server?.sensitivity ?? 0,
    effect: tool.roles.effect,
  })
}

/** A binding of the policy beside what the operator set on the server: its zone goes first, the higher sensitivity counts. */
export function zonesOf(
  bindings: Bindings,
  operation: Operation,
  { agents, server, sensitivity, effect }: Registered,
): Surroundings {
  const name = operation.kind === 'tool' ? (operation.name ?? '') : `mcp:${operation.kind}`
  const to = boundTo(bindings.zones, operation.server, name) ?? server
  return {
    from: agents[0] ?? '',
    to,
    flow: agents.every((zone) => mayFlow(bindings, zone, to, effect)),
    sensitivity: Math.max(boundTo(bindings.sensitivity, operation.server, name) ?? 0, sensitivity),
  }
}

const HOUR_MS = 3_600_000

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}

/** UTC. `weekday` is ISO 8601's: 1 Monday, 7 Sunday. */
export function timeOf(at: number): { readonly hour: number; readonly weekday: number } {
  const hours = Math.floor(at / HOUR_MS)
  // The first day of 1970 was a Thursday.
  return { hour: modulo(hours, 24), weekday: modulo(Math.floor(hours / 24) + 3, 7) + 1 }
}

export const NETWORKS = ['unknown', 'loopback', 'private', 'public'] as const

export function placeOf({ ip, country }: CallContext): PolicyRecord {
  return { network: networkOf(ip), ...(typeof country === 'string' ? { country } : {}) }
}

function networkOf(ip: string | null): (typeof NETWORKS)[number] {
  if (ip === null) return 'unknown'
  if (isLoopbackAddress(ip)) return 'loopback'
  return isPublicAddress(ip) ? 'public' : 'private'
}

export function clientOf({ channel, client }: CallContext): PolicyRecord {
  return { channel, name: client ?? '' }
}

/** Strongest evidence that a policy can name; a flood of detectors is no flood of facts. */
const MAX_DETECTORS = 64

const NO_EVIDENCE: PolicyRecord = { detectors: [], bits: 0 }

/** `bits`: what speaks against the call, added up and rounded down. */
export function evidenceFacts(evidence: readonly Evidence[]): PolicyRecord {
  if (evidence.length === 0) return NO_EVIDENCE
  const against = evidence.filter(({ bits }) => bits > 0)
  const bits = against.reduce((sum, item) => sum + item.bits, 0)
  return {
    detectors: [...new Set(against.map(({ detector }) => detector))].slice(0, MAX_DETECTORS),
    bits: Math.floor(Math.min(bits, Number.MAX_SAFE_INTEGER)),
  }
}

/** From what may be relied on most to what may least; an argument is as good as the worst value in it. */
const LABELS = ['user', 'trusted', 'agent', 'unseen', 'untrusted'] as const
const MAX_ARGUMENTS = 64

/** By top-level argument. Values that were not looked at (beyond the bounds of a trace) have none. */
export function provenanceOfArguments(
  labels: Trace['labels'],
  args: CallRequest['operation']['args'],
): PolicyRecord {
  const facts: Record<string, { label: string; source: string; sink: boolean }> = {}
  if (labels.length === 0) return facts
  const names = Object.keys(args)
    .slice(0, MAX_ARGUMENTS)
    .filter((name) => name !== '' && !name.startsWith('__'))
  for (const { path, label, source, sink } of labels) {
    for (const name of names) {
      if (!isUnder(path, name)) continue
      const told = facts[name]
      const worse =
        told === undefined || LABELS.indexOf(label) > LABELS.indexOf(told.label as (typeof LABELS)[number])
      const from = source === null ? '' : `${source.server}/${source.tool}`
      facts[name] = {
        label: worse ? label : told.label,
        source: worse ? from : told.source,
        sink: sink || told?.sink === true,
      }
    }
  }
  return facts
}

function isUnder(path: string, name: string): boolean {
  if (!path.startsWith(name)) return false
  const next = path[name.length]
  return next === undefined || next === '.' || next === '['
}
