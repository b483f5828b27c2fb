/**
 * The code flow of a public client, driven by an independent OAuth client.
 */
import * as oauth from 'oauth4webapi'
import { type Browser, consent, createBrowser, type Page } from './browser.ts'
import { INSECURE, type World } from './world.ts'

export const REDIRECT = 'http://127.0.0.1:4567/callback'

export interface FlowOptions {
  readonly client: oauth.Client
  readonly auth?: oauth.ClientAuth
  readonly params?: Record<string, string>
  readonly dpop?: oauth.DPoPHandle
  readonly browser?: Browser
  readonly fill?: (fields: [string, string][]) => [string, string][]
  readonly answer?: string
}

export interface Started {
  readonly verifier: string
  readonly state: string
  readonly url: URL
}

export async function startFlow(world: World, options: FlowOptions): Promise<Started> {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(world.metadata.authorization_endpoint ?? '')
  const params = {
    response_type: 'code',
    client_id: options.client.client_id,
    redirect_uri: REDIRECT,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...options.params,
  }
  for (const [name, value] of Object.entries(params)) if (value !== '') url.searchParams.append(name, value)
  return { verifier, state, url }
}

/** Up to the redirect that carries the code (or the error). */
export async function authorize(
  world: World,
  options: FlowOptions,
): Promise<Started & { redirect: URL; page: Page }> {
  const started = await startFlow(world, options)
  const browser = options.browser ?? createBrowser(world)
  if (options.browser === undefined) await browser.signIn()
  const page = await browser.open(started.url.href)
  const end = await consent(browser, page, options.fill, options.answer)
  const location = end.headers.get('location')
  if (location === null) throw new Error(`no redirect: ${end.status} ${end.text.slice(0, 2000)}`)
  return { ...started, redirect: new URL(location), page }
}

export async function exchangeCode(
  world: World,
  options: FlowOptions,
  flow: Started & { redirect: URL },
  more: Record<string, string> = {},
): Promise<oauth.TokenEndpointResponse> {
  const params = oauth.validateAuthResponse(world.metadata, options.client, flow.redirect, flow.state)
  const response = await oauth.authorizationCodeGrantRequest(
    world.metadata,
    options.client,
    options.auth ?? oauth.None(),
    params,
    REDIRECT,
    flow.verifier,
    {
      ...INSECURE,
      additionalParameters: more,
      ...(options.dpop === undefined ? {} : { DPoP: options.dpop }),
    },
  )
  return oauth.processAuthorizationCodeResponse(world.metadata, options.client, response)
}

export async function codeFlow(world: World, options: FlowOptions): Promise<oauth.TokenEndpointResponse> {
  return exchangeCode(world, options, await authorize(world, options))
}
