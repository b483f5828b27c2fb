/**
 * Just in time: more than a principal holds for good, for one errand and a time.
 * @module
 */
export { heldRoles, MAX_HELD } from './held.ts'
export { type PrivilegeReport, type PrivilegeRow, privilegeReport } from './report.ts'
export { type ElevationQuestion, type ElevationRuling, ruleOnElevation } from './ruling.ts'
