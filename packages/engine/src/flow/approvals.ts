/**
 * A person's word, remembered: the same value in the same role is not asked twice in a task.
 * @module
 */
import { effortOf } from './effort.ts'
import { scalars } from './json.ts'
import type { ApprovedEvent } from './observe.ts'
import type { FlowCall } from './parts.ts'
import { partsOf } from './parts.ts'
import type { ApprovedValue, FlowState } from './state.ts'

/** A person said yes to the steering values of this call, for this task: not asked again in the same role. */
export function approveValues(state: FlowState, call: FlowCall): ApprovedEvent {
  const values: ApprovedValue[] = []
  const effort = effortOf()
  for (const leaf of scalars(call.args).leaves)
    for (const part of partsOf(state, call.roles, leaf, true, effort))
      if (values.length < 64 && part.origin.standing !== 'user')
        values.push({ value: part.spelled, kind: part.kind, classes: call.roles.classes })
  return { type: 'approved', values }
}
