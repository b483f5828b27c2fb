/**
 * A decision point on loopback with policy stores and registered enforcement points, asked over HTTP.
 */
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import type { StoreSource } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import { type Answer, createWorld, type World, type WorldOptions } from '../server/world.ts'

export interface Given {
  readonly scopes?: readonly string[]
  readonly servers?: readonly string[]
  readonly stores?: readonly string[]
  readonly obligations?: readonly string[]
}

export interface Asking {
  /** The secret; only the test and the enforcement point know it. */
  readonly secret: string
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  get(path: string): Promise<Answer>
}

export interface DecisionPoint {
  readonly world: World
  apply(name: string, source: StoreSource): Promise<JsonObject>
  register(name: string, given: Given): Promise<Asking>
  close(): Promise<void>
}

export async function createDecisionPoint(options: WorldOptions = {}): Promise<DecisionPoint> {
  const world = await createWorld(options)
  return {
    world,
    async apply(name, source) {
      const { status, json, text } = await world.post('owner', `/api/v1/stores/${name}`, source)
      assert.equal(status, 200, text)
      return json
    },
    async register(name, { scopes = ['evaluate', 'search'], ...given }) {
      const secret = `sce_${randomBytes(32).toString('base64url')}`
      const body = { name, key_digest: `sha256:${hash('sha256', secret)}`, scopes, ...given }
      const { status, text } = await world.post('owner', '/api/v1/enforcers', body)
      assert.equal(status, 200, text)
      return asking(world, secret)
    },
    close: () => world.close(),
  }
}

function asking(world: World, secret: string): Asking {
  const authorization = `Bearer ${secret}`
  return {
    secret,
    post: (path, body, headers = {}) =>
      world.ask('anonymous', 'POST', path, { body, headers: { authorization, ...headers } }),
    get: (path) => world.ask('anonymous', 'GET', path, { headers: { authorization } }),
  }
}
