/**
 * Just in time: more than a principal holds for good, for one errand and a time.
 * @module
 */
export {
  agentEntity,
  type Elevated,
  elevatedFor,
  heldRoles,
  isHeld,
  MAX_HELD,
  putElevation,
  userEntity,
} from './held.ts'
