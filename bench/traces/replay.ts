/**
 * Offline replay: each recorded run is fed to an arm in order and causally. Open loop: a refused call does not change the
 * calls that were recorded after it.
 * @module
 */
import type { JsonObject } from '../../packages/engine/src/flow/index.ts'
import type { ArmDecision, TraceArm } from './arm.ts'
import type { RecordedRun, Suite } from './data.ts'

export interface ReplayOptions {
  readonly suites: Readonly<Record<string, Suite>>
  readonly withIntent: boolean
  /** The text of an output as the arm shall see it. */
  output(run: RecordedRun, hash: string | undefined): string
  /** Milliseconds, monotonic; given by the caller so that tests are deterministic. */
  now(): number
}

export interface ReplayedRun {
  readonly decisions: readonly ArmDecision[]
  /** Milliseconds of each decision, and of each observation. */
  readonly decideMs: readonly number[]
  readonly observeMs: readonly number[]
}

export async function replayRun(
  arm: TraceArm,
  run: RecordedRun,
  options: ReplayOptions,
): Promise<ReplayedRun> {
  const suite = options.suites[run.suite]
  if (suite === undefined) throw new Error(`no catalogue for suite ${run.suite}`)
  await arm.start({ agent: run.pipe, tools: suite.tools, prompt: options.withIntent ? run.prompt : null })
  const decisions: ArmDecision[] = []
  const decideMs: number[] = []
  const observeMs: number[] = []
  for (const call of run.calls) {
    const args = argumentsOf(call.a)
    const t0 = options.now()
    // Awaiting a value that is no promise would measure the event loop, not the arm.
    const made = arm.decide(call.t, args)
    decisions.push(made instanceof Promise ? await made : made)
    const t1 = options.now()
    const seen = arm.observe(call.t, args, options.output(run, call.o), call.e ?? null)
    if (seen instanceof Promise) await seen
    const t2 = options.now()
    decideMs.push(t1 - t0)
    observeMs.push(t2 - t1)
  }
  return { decisions, decideMs, observeMs }
}

/** Some models sent something other than an object: a defined case, no arguments. */
function argumentsOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
