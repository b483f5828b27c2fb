/**
 * Resources of this issuer: `<issuer>/mcp/<server>`, one for each server (RFC 8707), and the scopes they know.
 * @module
 */
import { SCOPES, type Scope } from '@safeconduct/protocol'
import { OAuthError } from './errors.ts'
import type { Context } from './options.ts'

const SERVER_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

export const ALL_SCOPES = SCOPES.join(' ')

export function resourceOf(issuer: string, server: string): string {
  return `${issuer}/mcp/${server}`
}

/** The server a resource stands for; null when it is none of ours. Compared as text: no other spelling is taken. */
export function serverOf(issuer: string, resource: string): string | null {
  const prefix = `${issuer}/mcp/`
  if (!resource.startsWith(prefix)) return null
  const name = resource.slice(prefix.length)
  return SERVER_NAME.test(name) ? name : null
}

/** null for the gateway as a whole. @throws {OAuthError} `invalid_target` when there is no such server */
export async function requireServer(context: Context, resource: string): Promise<string | null> {
  const name = serverOf(context.issuer, resource)
  if (name !== null) {
    const [server] = await context.store.servers.find(context.tenant, 'name', name, { limit: 1 })
    if (server !== undefined) return name
  }
  if (resource === gatewayOf(context.issuer)) return null
  throw new OAuthError('invalid_target', 'The resource is not a server of this gateway.')
}

/**
 * What a request that names no resource is for: the only server, or every server, of which the token request picks
 * one. Without any server it is the gateway as a whole, whose token opens nothing.
 */
export async function defaultResources(context: Context): Promise<string[]> {
  const servers = await context.store.servers.list(context.tenant, { limit: 64 })
  if (servers.length === 0) return [gatewayOf(context.issuer)]
  return servers.map((server) => resourceOf(context.issuer, server.name))
}

export function gatewayOf(issuer: string): string {
  return `${issuer}/mcp`
}

export function isScope(word: string): word is Scope {
  return SCOPES.some((scope) => scope === word)
}

export function splitScope(text: string): string[] {
  return [...new Set(text.split(' ').filter((word) => word !== ''))]
}

/** `mcp:write` includes `mcp:read`. */
export function scopeCovers(held: readonly string[], wanted: string): boolean {
  return held.includes(wanted) || (wanted === 'mcp:read' && held.includes('mcp:write'))
}
