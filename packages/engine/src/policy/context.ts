/**
 * The question put to policy: one context for both layers, made of facts the engine knows.
 * @module
 */
import type { Assurance, CallRequest, Evidence, TrustLevel } from '@safeconduct/protocol'
import type { Errand } from '../delegation/delegate.ts'
import type { Trace } from '../flow/index.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import { representArguments } from './arguments.ts'
import type { EntityRef, PolicyEntity, PolicyRecord } from './engine.ts'
import {
  clientOf,
  evidenceFacts,
  placeOf,
  provenanceOfArguments,
  type Surroundings,
  timeOf,
} from './facts.ts'
import { serverFacts, taskFacts, toolFacts, trustFacts } from './kept-facts.ts'
import type { RelationsByPrincipal } from './relations.ts'

export interface PolicyFacts {
  readonly trust: TrustLevel
  /** 0–100 */
  readonly risk: number
  readonly assurance: Assurance
  readonly trace: Pick<Trace, 'doubt' | 'facts' | 'labels'>
  readonly evidence: readonly Evidence[]
  readonly surroundings: Surroundings
  readonly relations: RelationsByPrincipal
  /** Principals with the roles that they hold for this errand and a time only. */
  readonly elevated: readonly PolicyEntity[]
  readonly elevations: readonly string[]
  readonly seenBefore: boolean
  readonly credentialDoubt: boolean
}

export interface Asked {
  readonly action: EntityRef
  readonly resource: EntityRef
  /** Entities of this question: a resource that is no registered tool or server, principals with a role for a time. */
  readonly local: readonly PolicyEntity[] | undefined
  /** Complete but for the obtainable facts; `relations` by principal (`relationsFor`), of which each sees its own. */
  readonly context: PolicyRecord
  /** Arguments whose value does not fit its type. */
  readonly unfit: readonly string[]
}

export function ask(request: CallRequest, errand: Errand, tool: KnownTool, facts: PolicyFacts): Asked {
  const { operation, grant } = request
  const args = representArguments(tool.fields, operation.args)
  const resource = resourceOf(request, tool)
  const zones = facts.surroundings
  const { hour, weekday } = timeOf(request.at)
  return {
    action: { type: 'Action', id: tool.action },
    resource,
    local: localOf(resource, operation.server, facts.elevated),
    unfit: args.unfit,
    context: {
      trust: trustFacts(facts.trust),
      risk: Math.floor(facts.risk),
      impact: tool.impact,
      assurance: facts.assurance,
      provenance: {
        doubt: facts.trace.doubt,
        privateDataRead: facts.trace.facts.privateDataRead,
        untrustedSeen: facts.trace.facts.untrustedSeen,
        exfiltration: facts.trace.facts.exfiltration === true,
        args: provenanceOfArguments(facts.trace.labels, operation.args),
      },
      tool: toolFacts(tool, facts.seenBefore),
      server: serverFacts(errand.server, operation.server),
      task: taskFacts(errand.task),
      chain: { depth: errand.depth },
      credentialDoubt: facts.credentialDoubt,
      autonomous: grant.user === null,
      hour,
      weekday,
      place: placeOf(request.context),
      client: clientOf(request.context),
      zone: { from: zones.from, to: zones.to, flow: zones.flow },
      sensitivity: zones.sensitivity,
      evidence: evidenceFacts(facts.evidence),
      elevations: facts.elevations,
      relations: facts.relations,
      args: args.values,
    },
  }
}

function localOf(
  resource: EntityRef,
  server: string,
  elevated: readonly PolicyEntity[],
): readonly PolicyEntity[] | undefined {
  if (resource.type !== 'Resource') return elevated.length === 0 ? undefined : elevated
  return [{ uid: resource, attrs: {}, parents: [{ type: 'Server', id: server }] }, ...elevated]
}

function resourceOf({ operation }: CallRequest, tool: KnownTool): EntityRef {
  if (operation.kind === 'tool') return { type: 'Tool', id: tool.action }
  if (operation.name === null) return { type: 'Server', id: operation.server }
  return { type: 'Resource', id: `${operation.server}:${operation.name}` }
}
