/**
 * Scopes of the gateway. `mcp:write` includes `mcp:read`.
 * @module
 */
import { SCOPES, type Scope } from '@safeconduct/protocol'

/**
 * Empty when the token's scopes suffice; else every scope the next token needs in one list: what this one has, so
 * that nothing is lost by asking again (RFC 6750 §3.1), and what is missing.
 */
export function missingScopes(held: readonly string[], needed: Scope): Scope[] {
  const has = (scope: Scope): boolean => held.includes(scope)
  if (has(needed) || (needed === 'mcp:read' && has('mcp:write'))) return []
  return SCOPES.filter((scope) => scope === needed || has(scope))
}
