/**
 * The authenticate stage's cryptography: tokens and proofs in, verified grants out. Synchronous, no I/O.
 * @module
 */
export { type AccessTokenRules, verifyAccessToken } from './access-token.ts'
export { DPOP_WINDOW, type DpopProof, type DpopRules, verifyDpop } from './dpop.ts'
export {
  createKeyCache,
  isSignatureAlgorithm,
  jwkThumbprint,
  type KeyCache,
  parsePublicJwk,
  SIGNATURE_ALGORITHMS,
  type SigningKey,
} from './jwk.ts'
export { MAX_JWS_LENGTH, type ParsedJws, parseJws, signJws, verifyJws } from './jws.ts'
export { createNonces, NONCE_PERIOD, type Nonces } from './nonces.ts'
