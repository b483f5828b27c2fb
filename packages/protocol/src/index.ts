/**
 * The words on the wire: schemas, inferred types, the one error-code union. Depends on zod alone.
 * @module
 */
export * from './access.ts'
export * from './addresses.ts'
export * from './config.ts'
export * from './decision.ts'
export * from './elevation.ts'
export * from './errors.ts'
export * from './indicators.ts'
export * from './json.ts'
export * from './narrow.ts'
export * from './principals.ts'
export * from './relations.ts'
export * from './task.ts'
export * from './tool-roles.ts'
export * from './trust.ts'
