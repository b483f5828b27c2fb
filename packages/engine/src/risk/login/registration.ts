/**
 * Signs that a new agent is made up, looked for once, when it is registered: how many were registered with it, whose name
 * its own is made to look like, and where it redirects to.
 * @module
 */
import type { Agent, RegistrationSigns } from '@safeconduct/protocol'

/** Registrations by others than the owner within `WINDOW` from which on it is a burst. */
export const BURST = 5
const WINDOW = 60 * 60_000
/** Of the newest agents, the ones that are compared. */
export const COMPARED = 1000

/** Hosts where anybody can have an address for an hour; what ends with one of them is one of theirs. */
const THROWAWAY = [
  'ngrok.io',
  'ngrok.app',
  'ngrok-free.app',
  'ngrok-free.dev',
  'trycloudflare.com',
  'loca.lt',
  'localtunnel.me',
  'serveo.net',
  'localhost.run',
  'lhr.life',
  'pinggy.link',
  'pinggy.io',
  'webhook.site',
  'requestbin.com',
  'pipedream.net',
  'beeceptor.com',
  'requestcatcher.com',
  'hookb.in',
  'oast.pro',
  'oast.live',
  'oast.site',
  'oast.online',
  'oast.fun',
  'oast.me',
  'interact.sh',
  'burpcollaborator.net',
  'duckdns.org',
  'nip.io',
  'sslip.io',
] as const

type Candidate = Pick<Agent, 'id' | 'name' | 'registration' | 'redirectUris' | 'createdAt'>

/** @param others newest first; the candidate itself may be among them. @returns null when nothing stands out */
export function registrationSigns(
  candidate: Candidate,
  others: readonly Candidate[],
): RegistrationSigns | null {
  const apart = others.slice(0, COMPARED).filter(({ id }) => id !== candidate.id)
  const byItself = candidate.registration === 'dcr' || candidate.registration === 'cimd'
  const signs: RegistrationSigns = {
    burst: byItself ? 1 + apart.filter((other) => isBeside(candidate, other)).length : 0,
    alike: alikeOf(candidate, apart),
    throwaway: candidate.redirectUris.some(isThrowaway),
  }
  return signs.burst < BURST && signs.alike === null && !signs.throwaway ? null : signs
}

function isBeside(candidate: Candidate, { registration, createdAt }: Candidate): boolean {
  const away = candidate.createdAt - createdAt
  return (registration === 'dcr' || registration === 'cimd') && away >= 0 && away <= WINDOW
}

/** The name of an agent that is older and called otherwise, and would be read as the same. */
function alikeOf(candidate: Candidate, others: readonly Candidate[]): string | null {
  const own = plain(candidate.name)
  const shape = shapeOf(own)
  if (shape.length < 4) return null
  // The same program registers itself anew wherever it is installed: the same name is not a disguise.
  return others.find(({ name }) => plain(name) !== own && shapeOf(plain(name)) === shape)?.name ?? null
}

/** Without the suffix that tells agents that registered themselves apart. */
function plain(name: string): string {
  return name.replace(/-[0-9a-f]{6}$/, '')
}

/** What a glance leaves of a name. Digits that are read as no letter stay: numbered agents are not alike. */
function shapeOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/rn/g, 'm')
    .replace(/vv/g, 'w')
    .replace(/cl/g, 'd')
    .replace(/0/g, 'o')
    .replace(/3/g, 'e')
    .replace(/5/g, 's')
    .replace(/[1i]/g, 'l')
    .replace(/[^a-z0-9]/g, '')
}

function isThrowaway(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { hostname } = new URL(uri)
  return THROWAWAY.some((host) => hostname === host || hostname.endsWith(`.${host}`))
}
