/**
 * `requestState` of 2026-07-28 as the client holds it: sealed (AES-256-GCM) by us, so that it comes back only from the
 * subject, for the method, name and arguments it was given for, once, and not for long. The key lives as long as the
 * process: after a restart the client starts its request anew.
 * @module
 */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import type { Clock } from '@safeconduct/engine'
import {
  canonicalize,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  SafeconductError,
} from '@safeconduct/protocol'
import { createReplaySet } from '../auth/replay.ts'

/** Everything a sealed state is bound to. */
export interface StateBinding {
  readonly subject: readonly string[]
  readonly server: string
  readonly method: string
  readonly name: string
  readonly args: JsonObject
}

export interface StateSeal {
  seal(binding: StateBinding, value: JsonObject): string
  /** @throws {SafeconductError} `invalid_params`: altered, expired, used before, or made for another request */
  open(binding: StateBinding, text: JsonValue): JsonObject
}

const VERSION = 1
const IV = 12
const TAG = 16
const MAX_STATE = 1024 * 1024

export function createStateSeal(clock: Clock, ttl: number, limit = 100_000): StateSeal {
  const key = randomBytes(32)
  const used = createReplaySet(limit)
  return {
    seal(binding, value) {
      const iv = randomBytes(IV)
      const plain = JSON.stringify({ id: iv.toString('base64url'), exp: clock.now() + ttl, value })
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      cipher.setAAD(bound(binding))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), iv, body, cipher.getAuthTag()]).toString('base64url')
    },
    open(binding, text) {
      const now = clock.now()
      const state = decrypt(key, binding, text)
      if (!isJsonObject(state)) throw refused()
      const { id, exp, value } = state
      if (typeof id !== 'string' || typeof exp !== 'number' || !isJsonObject(value) || exp <= now)
        throw refused()
      if (!used.claim({ holder: binding.subject.join(' '), id }, exp, now)) throw refused()
      return value
    },
  }
}

function decrypt(key: Uint8Array, binding: StateBinding, text: JsonValue): JsonValue {
  if (typeof text !== 'string' || text.length > MAX_STATE * 2) throw refused()
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text || bytes.length <= 1 + IV + TAG || bytes[0] !== VERSION)
    throw refused()
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + IV), { authTagLength: TAG })
    decipher.setAAD(bound(binding))
    decipher.setAuthTag(bytes.subarray(-TAG))
    const plain = Buffer.concat([decipher.update(bytes.subarray(1 + IV, -TAG)), decipher.final()])
    return parseJson(plain, { maxLength: MAX_STATE * 2, maxDepth: 80 })
  } catch (cause) {
    throw refused(cause)
  }
}

/** JSON keeps the parts apart whatever they hold. */
function bound(binding: StateBinding): Buffer {
  const { subject, server, method, name, args } = binding
  const text = JSON.stringify([...subject, server, method, name, canonicalize(args)])
  return hash('sha256', text, 'buffer')
}

function refused(cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_params', {
    message: 'The requestState is not valid for this request; start it again without one.',
    cause,
  })
}
