/**
 * Token requests, and what is wrong with their answers.
 */
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { type AgentKeys, INSECURE, type World } from './world.ts'

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
export const JWT_TOKEN = 'urn:ietf:params:oauth:token-type:jwt'

export interface TokenAnswer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers: Headers
}

type Params = Record<string, string> | [string, string][]

/** `client_credentials` as the independent client makes it. */
export async function clientCredentials(
  world: World,
  from: AgentKeys,
  params: Params,
  dpop?: oauth.DPoPHandle,
): Promise<oauth.TokenEndpointResponse> {
  const response = await oauth.clientCredentialsGrantRequest(
    world.metadata,
    onTime(world, from.client),
    from.auth,
    new URLSearchParams(params),
    { ...INSECURE, ...(dpop === undefined ? {} : { DPoP: dpop }) },
  )
  return oauth.processClientCredentialsResponse(world.metadata, from.client, response)
}

/** The client's clock goes with the server's. */
function onTime(world: World, client: oauth.Client): oauth.Client {
  return { ...client, [oauth.clockSkew]: Math.floor(world.clock.offset / 1000) }
}

export async function tokenRequest(
  world: World,
  from: Pick<AgentKeys, 'client' | 'auth'>,
  grant: string,
  params: Params,
  dpop?: oauth.DPoPHandle,
): Promise<TokenAnswer> {
  const response = await oauth.genericTokenEndpointRequest(
    world.metadata,
    onTime(world, from.client),
    from.auth,
    grant,
    new URLSearchParams(params),
    { ...INSECURE, ...(dpop === undefined ? {} : { DPoP: dpop }) },
  )
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  }
}

export function exchange(
  world: World,
  from: Pick<AgentKeys, 'client' | 'auth'>,
  subject: string,
  params: Params = {},
  dpop?: oauth.DPoPHandle,
): Promise<TokenAnswer> {
  const given = new URLSearchParams(params)
  if (!given.has('subject_token')) given.set('subject_token', subject)
  if (!given.has('subject_token_type')) given.set('subject_token_type', ACCESS_TOKEN)
  return tokenRequest(world, from, EXCHANGE, [...given], dpop)
}

export function accessTokenOf(answer: TokenAnswer): string {
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(typeof answer.body.access_token, 'string')
  return String(answer.body.access_token)
}

export function assertError(answer: TokenAnswer, error: string, status = 400): void {
  assert.deepEqual(
    { status: answer.status, error: answer.body.error },
    { status, error },
    JSON.stringify(answer.body),
  )
}

export async function newDpop(client: oauth.Client): Promise<oauth.DPoPHandle> {
  return oauth.DPoP(client, await oauth.generateKeyPair('ES256', { extractable: true }))
}

/** The error of an oauth4webapi call that must fail. */
export async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (thrown) {
    if (thrown instanceof oauth.ResponseBodyError || thrown instanceof oauth.AuthorizationResponseError) {
      return thrown.error
    }
    if (thrown instanceof oauth.WWWAuthenticateChallengeError) {
      return thrown.cause[0]?.parameters.error ?? 'challenge'
    }
    throw thrown
  }
  return assert.fail('it did not fail')
}

export async function refresh(
  world: World,
  client: oauth.Client,
  token: string | undefined,
  more: { auth?: oauth.ClientAuth; dpop?: oauth.DPoPHandle; params?: Record<string, string> } = {},
): Promise<oauth.TokenEndpointResponse> {
  assert.ok(token, 'there is a refresh token')
  const response = await oauth.refreshTokenGrantRequest(
    world.metadata,
    client,
    more.auth ?? oauth.None(),
    token,
    {
      ...INSECURE,
      additionalParameters: more.params ?? {},
      ...(more.dpop === undefined ? {} : { DPoP: more.dpop }),
    },
  )
  return oauth.processRefreshTokenResponse(world.metadata, client, response)
}
