/**
 * @module The contract of the gateway half: `through-gateway.ts`, beside this file, exports `startGateway` of this type.
 * The run looks it up by file, so that a missing half is said aloud instead of being compiled away.
 */
import { existsSync } from 'node:fs'

/** A gateway in front of one upstream; whoever started it calls `close`. */
export interface GatewaySide {
  /** The governed endpoint, `http://127.0.0.1:PORT/mcp/<server>`. */
  readonly url: string
  /** A valid access token for `url`; called for every request, so it may cache and renew. */
  readonly token: () => Promise<string>
  readonly close: () => Promise<void>
}

/** Starts a gateway whose only server is `upstreamUrl`, its tools pinned and allowed by policy, authentication on. */
export type StartGateway = (upstreamUrl: string) => Promise<GatewaySide>

const MODULE = new URL('./through-gateway.ts', import.meta.url)

/** The gateway half, or undefined when nobody has written it. @throws when it exports something else. */
export async function loadGatewaySide(): Promise<StartGateway | undefined> {
  if (!existsSync(MODULE)) return undefined
  const exported: unknown = await import(MODULE.href)
  if (!hasStartGateway(exported))
    throw new Error('test/conformance/through-gateway.ts does not export startGateway')
  return exported.startGateway
}

function hasStartGateway(value: unknown): value is { readonly startGateway: StartGateway } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'startGateway' in value &&
    typeof value.startGateway === 'function'
  )
}
