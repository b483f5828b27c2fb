/**
 * The engine: one decision, pure. No sockets, files or clock; `ports.ts` says what it needs.
 * @module
 */
export * from './identity/index.ts'
export type * from './ports.ts'
