/**
 * What is measured: an arm sees what a gateway sees, in the order it happens. It never gets a run's id, task, attack or
 * labels, nor an output before it has decided the call, nor anything later.
 * @module
 */
import type { JsonObject, Term } from '../../packages/engine/src/flow/index.ts'
import type { CatalogueTool } from './data.ts'

export type ArmOutcome = 'allow' | 'step-up' | 'deny'

/** Which argument, where its value came from, and what that means. */
export interface Why {
  readonly argument: string
  readonly source: string
  readonly reason: string
}
export interface ArmDecision {
  readonly outcome: ArmOutcome
  /** Any scale; only its order is scored. */
  readonly risk: number
  readonly why: readonly Why[]
  /** Equal keys within a run are one question to a person; null when nobody is asked. */
  readonly question?: string | null
  /** Terms of the risk with the factor of each, where an arm adds terms up. */
  readonly terms?: readonly (readonly [term: Term, factor: number])[]
}

export interface TaskStart {
  readonly agent: string
  readonly tools: readonly CatalogueTool[]
  /** The user's words; null in the arm without intent. */
  readonly prompt: string | null
}

/** One arm; `start` begins a task and forgets the last one. An arm that holds resources has `close`. */
export interface TraceArm {
  readonly name: string
  start(task: TaskStart): void | Promise<void>
  decide(tool: string, args: JsonObject): ArmDecision | Promise<ArmDecision>
  observe(tool: string, args: JsonObject, output: string, error: string | null): void | Promise<void>
  close?(): Promise<void>
}
