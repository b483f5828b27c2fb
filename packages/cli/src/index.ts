/**
 * The daemon for programs and tests that start it themselves; people use the `safeconduct` binary.
 * @module
 */
export { type Daemon, startDaemon } from './daemon/daemon.ts'
export { DESK_AGENT, DESK_SERVER, type DeskSeed, seedDesk } from './daemon/desk.ts'
export { TENANT } from './daemon/foundation.ts'
