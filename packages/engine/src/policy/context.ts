/**
 * The question put to policy: one context for both layers, made of facts the engine knows.
 * @module
 */
import { type Assurance, type CallRequest, type TrustLevel, trustRank } from '@safeconduct/protocol'
import type { Errand } from '../delegation/delegate.ts'
import type { Trace } from '../flow/index.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import { representArguments } from './arguments.ts'
import type { EntityRef, PolicyEntity, PolicyRecord } from './engine.ts'

/** Facts that a caller or a person can bring about. Everything else is as it is. */
export interface Obtainable {
  readonly freshProof: boolean
  readonly approved: boolean
}

export interface PolicyFacts {
  readonly trust: TrustLevel
  /** 0–100 */
  readonly risk: number
  readonly assurance: Assurance
  readonly trace: Pick<Trace, 'doubt' | 'facts'>
  readonly seenBefore: boolean
  readonly credentialDoubt: boolean
}

export interface Asked {
  readonly action: EntityRef
  readonly resource: EntityRef
  /** The resource itself, when it is no registered tool or server: it is in its server all the same. */
  readonly local: readonly PolicyEntity[] | undefined
  /** Complete but for the obtainable facts. */
  readonly context: PolicyRecord
  /** Arguments whose value does not fit its type. */
  readonly unfit: readonly string[]
}

export function ask(request: CallRequest, errand: Errand, tool: KnownTool, facts: PolicyFacts): Asked {
  const { operation, grant } = request
  const args = representArguments(tool.fields, operation.args)
  const { roles } = tool
  const resource = resourceOf(request, tool)
  return {
    action: { type: 'Action', id: tool.action },
    resource,
    local:
      resource.type === 'Resource'
        ? [{ uid: resource, attrs: {}, parents: [{ type: 'Server', id: operation.server }] }]
        : undefined,
    unfit: args.unfit,
    context: {
      trust: { level: facts.trust, rank: trustRank(facts.trust) },
      risk: Math.floor(facts.risk),
      impact: tool.impact,
      assurance: facts.assurance,
      provenance: {
        doubt: facts.trace.doubt,
        privateDataRead: facts.trace.facts.privateDataRead,
        untrustedSeen: facts.trace.facts.untrustedSeen,
      },
      tool: {
        effect: roles.effect,
        destructive: roles.destructive,
        openWorld: roles.openWorld,
        reversible: roles.reversible,
        seenBefore: facts.seenBefore,
        quarantined: tool.pin?.status === 'quarantined',
      },
      server: { name: operation.server, standing: errand.server?.standing ?? 'new' },
      task: {
        // As the task was opened: whoever hands it on may say why, and gains nothing by it.
        purpose: errand.task?.details.purpose ?? '',
        hasIntent: errand.task?.intent != null,
        implicit: errand.task?.implicit === true,
      },
      chain: { depth: errand.depth },
      credentialDoubt: facts.credentialDoubt,
      autonomous: grant.user === null,
      hour: new Date(request.at).getUTCHours(),
      args: args.values,
    },
  }
}

function resourceOf({ operation }: CallRequest, tool: KnownTool): EntityRef {
  if (operation.kind === 'tool') return { type: 'Tool', id: tool.action }
  if (operation.name === null) return { type: 'Server', id: operation.server }
  return { type: 'Resource', id: `${operation.server}:${operation.name}` }
}
