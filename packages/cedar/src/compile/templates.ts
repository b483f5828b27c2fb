/**
 * Templates become policies when a link fills their slots.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import { type EntityRef, entityUid } from '../names.ts'
import type { EntityScope, PolicyTree, SlotName, Target } from '../source/syntax.ts'
import type { EntityUid } from '../values.ts'

export interface TemplateLink {
  readonly templateId: string
  /** Id of the resulting policy; it is what reasons and errors name. */
  readonly id: string
  readonly principal?: EntityRef
  readonly resource?: EntityRef
}

/** @throws {CedarError} `template_link` when a slot is left open or a value has no slot */
export function fillSlots(tree: PolicyTree, link: TemplateLink): PolicyTree {
  return {
    ...tree,
    principal: fillScope(tree.principal, link, '?principal', link.principal),
    resource: fillScope(tree.resource, link, '?resource', link.resource),
  }
}

function fillScope(
  scope: EntityScope,
  link: TemplateLink,
  slot: SlotName,
  ref: EntityRef | undefined,
): EntityScope {
  const open = slotOf(scope) !== undefined
  if (open !== (ref !== undefined)) {
    const problem = open ? 'does not fill' : 'has no'
    throw new CedarError(
      'template_link',
      `link \`${link.id}\` ${problem} the slot ${slot} of \`${link.templateId}\``,
    )
  }
  if (ref === undefined) return scope
  const value = entityUid(ref)
  switch (scope.kind) {
    case 'equal':
    case 'in':
      return { kind: scope.kind, target: fill(scope.target, value) }
    case 'is':
      return scope.within === undefined ? scope : { ...scope, within: fill(scope.within, value) }
    case 'any':
      return scope
  }
}

function slotOf(scope: EntityScope): SlotName | undefined {
  const target = scope.kind === 'any' ? undefined : scope.kind === 'is' ? scope.within : scope.target
  return typeof target === 'string' ? target : undefined
}

function fill(target: Target, value: EntityUid): EntityUid {
  return typeof target === 'string' ? value : target
}
