/**
 * The provenance stage alone: roles from the catalogue, one state per task, no learning across tasks.
 * @module
 */

import type { FlowState, ToolRoles, Trace } from '../../packages/engine/src/flow/index.ts'
import {
  applyFlow,
  deriveRoles,
  emptyFlow,
  observe,
  trace,
  unknownToolRoles,
} from '../../packages/engine/src/flow/index.ts'
import { weightOf } from '../../packages/engine/src/flow/weights.ts'
import type { ArmDecision, TraceArm, Why } from './arm.ts'
import type { CatalogueTool } from './data.ts'

const OUTCOME = { none: 'allow', approval: 'step-up', deny: 'deny' } as const

export function flowArm(): TraceArm {
  const catalogues = new WeakMap<readonly CatalogueTool[], ReadonlyMap<string, ToolRoles>>()
  let roles: ReadonlyMap<string, ToolRoles> = new Map()
  let state: FlowState = emptyFlow(null)
  let calls = 0
  const rolesOf = (tool: string): ToolRoles => roles.get(tool) ?? unknownToolRoles(tool)
  return {
    name: 'flow',
    start({ tools, prompt }) {
      roles = catalogues.get(tools) ?? derive(tools)
      catalogues.set(tools, roles)
      state = emptyFlow(prompt)
      calls = 0
    },
    decide(tool, args) {
      return decisionOf(trace(state, { server: 'suite', tool, roles: rolesOf(tool), args }))
    },
    observe(tool, args, output, error) {
      const callId = `c${calls++}`
      const result = error === null ? { text: [output] } : null
      state = applyFlow(
        state,
        observe(state, { callId, server: 'suite', tool, roles: rolesOf(tool), args, result, error }),
      )
    },
  }
}

function derive(tools: readonly CatalogueTool[]): ReadonlyMap<string, ToolRoles> {
  return new Map(
    tools.map((tool) => [
      tool.name,
      deriveRoles({
        name: tool.name,
        ...(tool.description === undefined ? {} : { description: tool.description }),
        inputSchema: tool.input_schema ?? {},
        ...(tool.annotations === undefined ? {} : { annotations: tool.annotations }),
        trusted: true,
      }),
    ]),
  )
}

function decisionOf(found: Trace): ArmDecision {
  return {
    outcome: OUTCOME[found.doubt],
    risk: found.score,
    why: found.doubt === 'none' ? [] : found.evidence.map((item) => whyOf(found, item)),
    question: found.question,
    terms: found.evidence.map(({ term, weight }) => [term, weight / (weightOf(term) || 1)] as const),
  }
}

function whyOf(found: Trace, item: Trace['evidence'][number]): Why {
  const label = found.labels.find((l) => l.path === item.path && l.source !== null)
  const source = label?.source
  return {
    argument: item.path,
    source: source
      ? `${source.tool}${source.field === null ? '' : `.${source.field}`}`
      : item.path === ''
        ? ''
        : 'agent',
    reason: `${item.term}: ${item.reason}`,
  }
}
