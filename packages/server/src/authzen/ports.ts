/**
 * What the decision API needs besides the administration's ports; `cli` gives it.
 * @module
 */
import type { SigningKey } from '@safeconduct/engine'
import type { Grant, JsonObject, Proof } from '@safeconduct/protocol'
import type { AdminPorts } from '../admin/ports.ts'
import type { Enforcers } from './enforcers.ts'
import type { PolicyStores } from './policy-stores.ts'

/** The authenticate stage for agents, as at the gateway: token, proof, nonce, used proofs. */
export interface AgentAuthentication {
  /** @throws `unauthenticated`, `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `overloaded` */
  verify(presented: {
    readonly method: string
    readonly url: string
    readonly resource: string
    readonly authorization: string | undefined
    readonly dpop: string | undefined
  }): { readonly grant: Grant; readonly proof: Proof }
  nonce(): string
}

export interface AccessPorts {
  /** Origin under which we are asked. */
  readonly issuer: string
  readonly enforcers: Enforcers
  readonly stores: PolicyStores
  readonly authenticate: AgentAuthentication
  /** The issuer's public keys by `kid`, as of now. */
  readonly keys: () => ReadonlyMap<string, SigningKey>
  /** Signs with a key whose signatures are the same for the same payload. */
  readonly sign: (type: string, payload: JsonObject) => string
  /** How long an approval may wait, and how long it then holds, milliseconds. */
  readonly approvalTtl: number
}

export interface PdpPorts extends AdminPorts {
  readonly access: AccessPorts
}
