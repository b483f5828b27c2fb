/**
 * What a call shows of where and with what it comes, and how usual each of that is among other agents of the tenant.
 * @module
 */
import { type CallContext, isLoopbackAddress } from '@safeconduct/protocol'
import { type Background, learnPeer, type Peers } from '../behaviour/peers.ts'
import { type Arrival, type ClientName, clientLevels, type Population } from './likeness.ts'

export interface Seen {
  readonly country: string | null
  /** Number of the autonomous system. */
  readonly asn: number | null
  readonly hosting: boolean | null
  /** As the client calls itself, `name` or `name/version`, made of plain letters; null = it did not say. */
  readonly client: string | null
  /** What it said held letters that only look like plain ones, or other signs that no name needs. */
  readonly disguised: boolean
  readonly channel: CallContext['channel']
  /** Share of each symbol among others (`symbolsOf`), 0–1; null = nobody to compare with. */
  readonly usual: readonly number[] | null
}

const MAX_NAME = 96
const PLAIN = /^[\w .,:;+()/@~-]*$/

/** @returns null when there is nothing to tell: no address that leads anywhere, and no name */
export function seenOf(context: CallContext, others: () => Background): Seen | null {
  const { ip, client, clientVersion, channel, country, network } = context
  const away = ip !== null && !isLoopbackAddress(ip)
  if (!away && client === null) return null
  const said = [client?.trim() ?? '', ...(clientVersion === undefined ? [] : [clientVersion])].join('/')
  const seen: Omit<Seen, 'usual'> = {
    country: away && typeof country === 'string' && /^[A-Z]{2}$/.test(country) ? country : null,
    asn: away && Number.isSafeInteger(network?.asn) ? (network?.asn ?? null) : null,
    hosting: away ? (network?.hosting ?? null) : null,
    client: said === '' ? null : skeleton(said).slice(0, MAX_NAME),
    disguised: !PLAIN.test(said),
    channel,
  }
  const peers = others()
  const usual =
    peers.groups === 0 ? null : symbolsOf(seen).map((symbol) => Math.min(1, peers.share(symbol) * SYMBOLS))
  return { ...seen, usual }
}

/** Full-width and other compatible letters as plain ones (NFKC), accents left out, everything else as `?`. */
function skeleton(text: string): string {
  return text
    .slice(0, 4 * MAX_NAME)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\w .,:;+()/@~-]/gu, '?')
}

const SYMBOLS = 5

/** Network, country, whole name of the client, its family, and the channel: what is counted of others. */
function symbolsOf(seen: Omit<Seen, 'usual'>): readonly string[] {
  const name = clientOf(seen)
  const [shape, family] = name === null ? ['', ''] : clientLevels(name)
  return [
    `asn ${seen.asn ?? ''}`,
    `country ${seen.country ?? ''}`,
    `client ${shape}`,
    `family ${family}`,
    `channel ${seen.channel}`,
  ]
}

/** A settled call tells what is usual. */
export function learnSeen(peers: Peers, group: number, seen: Seen): void {
  for (const symbol of symbolsOf(seen)) learnPeer(peers, group, symbol, 1)
}

export function clientOf({ client, channel }: Pick<Seen, 'client' | 'channel'>): ClientName | null {
  if (client === null) return null
  const [, family = client, version = ''] = /^(.*?)[/ ]v?(\d+(?:\.\d+){0,3})/.exec(client) ?? []
  return {
    full: client,
    family: family.toLowerCase(),
    version: version
      .split('.')
      .filter(Boolean)
      .map((part) => Math.min(Number(part), 1e9)),
    system: channel,
    device: '',
  }
}

/** @param place digest of the address */
export function arrivalOf(seen: Seen, place: string | null, at: number): Arrival {
  const { asn, country, hosting } = seen
  const known = place !== null && (asn !== null || country !== null)
  return {
    hour: Math.floor(at / 3_600_000) % 24,
    place: known ? [place, String(asn ?? ''), country ?? ''] : null,
    hosting,
    client: clientOf(seen),
  }
}

/** Assumed shares of what nobody was seen with. */
const UNSEEN = { asn: 0.002, country: 0.02, full: 0.02, family: 0.05, channel: 0.3 } as const
/** Addresses of one network. */
const ADDRESSES = 256
const MIXED = 0.1

export function populationOf({ usual }: Seen): Population {
  const [asn, country, full, family, channel] = usual ?? []
  const share = (seen: number | undefined, unseen: number) =>
    seen === undefined ? unseen : (1 - MIXED) * seen + MIXED * unseen
  const asnShare = share(asn, UNSEEN.asn)
  return {
    place: (level) => [asnShare / ADDRESSES, asnShare, share(country, UNSEEN.country)][level] ?? 0,
    client: (level) =>
      [share(full, UNSEEN.full), share(family, UNSEEN.family), share(channel, UNSEEN.channel)][level] ?? 0,
  }
}
