/**
 * Roles: those a principal holds for good, and those it holds for one errand and a time.
 * @module
 */
import type { Agent, CallRequest, Elevation, RoleGrant, User } from '@safeconduct/protocol'
import type { EntityRef, PolicyEntity } from '../policy/engine.ts'
import type { Directory } from '../state.ts'

export function heldRoles(roles: readonly RoleGrant[] | undefined): string[] {
  return (roles ?? []).filter(({ until }) => until === null).map(({ role }) => role)
}

export function agentEntity(agent: Agent, more: readonly string[] = []): PolicyEntity {
  const { id, owner, name, registration, autonomous, zone = '' } = agent
  return {
    uid: { type: 'Agent', id },
    attrs: { owner, name, registration, autonomous, zone },
    parents: inRoles([...heldRoles(agent.roles), ...more]),
  }
}

export function userEntity(
  { id, roles }: Pick<User, 'id' | 'roles'>,
  more: readonly string[] = [],
): PolicyEntity {
  return { uid: { type: 'User', id }, attrs: {}, parents: inRoles([...heldRoles(roles), ...more]) }
}

function inRoles(roles: readonly string[]): EntityRef[] {
  return [...new Set(roles)].map((id) => ({ type: 'Role', id }))
}

/** Elevations of one errand that are held at once; more are refused when they are asked for. */
export const MAX_HELD = 16

/** A message about an older version is late and says nothing; what has ended is forgotten. */
export function putElevation({ elevations }: Directory, elevation: Elevation, at: number): void {
  const { task, id } = elevation
  const held = elevations.get(task) ?? new Map<string, Elevation>()
  const known = held.get(id)
  if (known !== undefined && known.version >= elevation.version) return
  held.set(id, elevation)
  // One that was revoked stays until it would have lapsed: an older message must not bring it back.
  for (const each of held.values()) if (each.expiresAt <= at) held.delete(each.id)
  if (held.size > 0) elevations.set(task, held)
  else elevations.delete(task)
  if (elevations.size > SWEEP_AT) sweep(elevations, at)
}

const SWEEP_AT = 10_000

function sweep(elevations: Directory['elevations'], at: number): void {
  for (const [task, held] of elevations) {
    if ([...held.values()].every(({ expiresAt }) => expiresAt <= at)) elevations.delete(task)
  }
}

export function isHeld({ status, expiresAt }: Elevation, at: number): boolean {
  return status === 'active' && at < expiresAt
}

export interface Elevated {
  /** The principals of the call that hold more for now, with everything they hold. */
  readonly entities: readonly PolicyEntity[]
  readonly held: readonly Elevation[]
}

const NONE: Elevated = { entities: [], held: [] }

/** What the principals of a call hold for its errand and for now. */
export function elevatedFor(
  directory: Directory,
  { grant, at }: Pick<CallRequest, 'grant' | 'at'>,
): Elevated {
  const known = directory.elevations.get(grant.task)
  if (known === undefined) return NONE
  const agents = new Set([grant.agent, ...grant.via])
  const held = [...known.values()].filter(
    (each) =>
      isHeld(each, at) && (each.for === 'agent' ? agents.has(each.principal) : each.principal === grant.user),
  )
  return held.length === 0 ? NONE : { entities: entitiesOf(directory, held), held }
}

function entitiesOf(directory: Directory, held: readonly Elevation[]): PolicyEntity[] {
  const principals = new Map(held.map((each) => [`${each.for}:${each.principal}`, each]))
  return [...principals.values()].flatMap(({ for: kind, principal }) => {
    const roles = held
      .filter((one) => one.for === kind && one.principal === principal)
      .map(({ role }) => role)
    if (kind === 'user') return [userEntity(directory.users.get(principal) ?? { id: principal }, roles)]
    const agent = directory.agents.get(principal)
    return agent === undefined ? [] : [agentEntity(agent, roles)]
  })
}
