/**
 * Synthetic logins in the schema of the public RBA data set (Wiefling et al. 2022), which itself is not here. Everything
 * is invented: users with networks at home, at work and on the phone, addresses that change, journeys, browsers that are
 * updated, devices that are replaced, and four kinds of attackers. Two columns are not in that schema: whether the network
 * rents out machines, and a key that the device proved.
 * @module
 */
import { type Random, random } from './random.ts'

export interface LoginRow {
  /** Milliseconds. */
  readonly at: number
  readonly user: number
  readonly roundTripMs: number
  readonly ip: string
  readonly country: string
  readonly asn: number
  readonly userAgent: string
  readonly browser: string
  readonly browserVersion: number
  readonly os: string
  readonly device: 'desktop' | 'mobile'
  readonly hosting: boolean
  readonly key: string | null
}

export const ATTACKERS = ['naive', 'vpn', 'targeted', 'very targeted'] as const
export type Attacker = (typeof ATTACKERS)[number]

export interface Parameters {
  readonly users: number
  readonly days: number
  /** Logins of a user, mean. */
  readonly logins: number
  readonly countries: readonly number[]
  readonly networksPerCountry: number
  /** Chance that the address at home is a new one at a login. */
  readonly addressChange: number
  /** Share of users who also log in from a phone, and of their logins. */
  readonly phones: number
  readonly phoneShare: number
  readonly work: number
  readonly workShare: number
  /** Chance at a login that a journey of several logins begins; the share of them abroad. */
  readonly journey: number
  readonly abroad: number
  /** Share of users who sometimes use a VPN, and how often. */
  readonly vpnUsers: number
  readonly vpnShare: number
  readonly deviceChange: number
  /** Days between versions of a browser. */
  readonly release: number
  /** Share of users whose devices prove a key, and of their logins on which they can. */
  readonly keyUsers: number
  readonly keyShare: number
  /** Share of attackers whose round trip looks as near as the victim's network. */
  readonly nearAttackers: number
  /** Spread of hours around the user's own. */
  readonly hours: number
}

/** `dev` was looked at while the terms were chosen; `held` was run for the report only. */
export const PARAMETERS: Readonly<Record<string, Parameters>> = {
  dev: {
    users: 1500,
    days: 365,
    logins: 22,
    countries: [70, 8, 7, 5, 3, 3, 2, 2],
    networksPerCountry: 14,
    addressChange: 0.08,
    phones: 0.4,
    phoneShare: 0.25,
    work: 0.25,
    workShare: 0.3,
    journey: 0.015,
    abroad: 0.5,
    vpnUsers: 0.03,
    vpnShare: 0.2,
    deviceChange: 0.008,
    release: 28,
    keyUsers: 0.7,
    keyShare: 0.95,
    nearAttackers: 0.15,
    hours: 3,
  },
  held: {
    users: 1500,
    days: 300,
    logins: 20,
    countries: [30, 22, 15, 12, 9, 6, 3, 3],
    networksPerCountry: 10,
    addressChange: 0.12,
    phones: 0.65,
    phoneShare: 0.5,
    work: 0.25,
    workShare: 0.4,
    journey: 0.025,
    abroad: 0.4,
    vpnUsers: 0.05,
    vpnShare: 0.25,
    deviceChange: 0.012,
    release: 21,
    keyUsers: 0.6,
    keyShare: 0.9,
    nearAttackers: 0.2,
    hours: 4,
  },
}

export const DAY = 86_400_000
export const START = Date.UTC(2026, 0, 1)
/** Shares that no parameter sets; `bound.ts` reads them, so that it judges by what was drawn. */
export const SHARES = {
  browsers: [65, 12, 15, 8],
  models: { desktop: 25, mobile: 80 },
  /** Devices up to date within ten days; the others within two hundred. */
  current: 0.8,
  phoneNetwork: 0.7,
  journeyLogins: 4,
  trip: { noise: 0.12, base: 0.15, mobile: 1.6, vpn: 1.5 },
  far: { least: 40, more: 200 },
  attack: { desktop: 0.7, windows10: 0.7, lag: 5, hosting: 0.6, ownClient: 0.5 },
} as const
export const DESKTOPS = ['Windows 10', 'Windows 11', 'macOS 14', 'Linux'] as const
export const PHONES = ['Android 13', 'Android 14', 'iOS 17', 'iOS 18'] as const
export const BROWSERS = ['Chrome', 'Firefox', 'Edge', 'Safari'] as const

export interface Network {
  readonly asn: number
  readonly country: string
  readonly hosting: boolean
  readonly weight: number
  readonly addresses: number
  /** Median round trip, milliseconds. */
  readonly trip: number
}

export interface Device {
  readonly id: string
  readonly kind: 'desktop' | 'mobile'
  readonly os: string
  readonly browser: string
  readonly model: string
  /** Days behind the newest release. */
  readonly lag: number
  readonly proves: boolean
}

/** What a user's next login is drawn from: everything that the generator itself knows before it. */
export interface Circumstances {
  readonly country: string
  readonly home: Network
  readonly homeAddress: number
  readonly work: Network | null
  readonly workAddress: number
  readonly phoneNetwork: Network | null
  readonly vpn: Network | null
  readonly desktop: Device
  readonly phone: Device
  /** Logins of a journey left, counting the one before. */
  readonly journey: number
  readonly journeyNetwork: Network
  /** Hour around which the user logs in. */
  readonly peak: number
  /** Of round trips. */
  readonly base: number
}

export interface World {
  readonly rows: readonly LoginRow[]
  readonly networks: readonly Network[]
  /** Of a row: what it was drawn from, and what the user's next one is drawn from. */
  readonly drawnFrom: ReadonlyMap<LoginRow, { readonly before: Circumstances; readonly after: Circumstances }>
  /** What this kind of attacker sends against a user whose logins so far are these. */
  attack(kind: Attacker, history: readonly LoginRow[], at: number): LoginRow
}

export function generate(parameters: Parameters, seed: number): World {
  const r = random(seed)
  const p = parameters
  const networks = p.countries.flatMap((_, c) => networksOf(r, p, c))
  const of = (country: string, hosting: boolean) =>
    networks.filter((network) => network.country === country && network.hosting === hosting)
  const choose = (from: readonly Network[]) => from[r.weighted(from.map(({ weight }) => weight))] ?? nowhere
  const nowhere: Network = { asn: 0, country: 'ZZ', hosting: false, weight: 1, addresses: 1, trip: 100 }
  const country = () => countryName(r.weighted(p.countries))
  const address = (network: Network, n: number) => `${network.asn}.${n}`
  const anyAddress = (network: Network) => address(network, r.below(network.addresses))
  const trip = (network: Network, mobile: boolean, base: number) =>
    network.trip * base * (mobile ? SHARES.trip.mobile : 1) * Math.exp(SHARES.trip.noise * r.normal())
  const drawnFrom = new Map<LoginRow, { before: Circumstances; after: Circumstances }>()

  function device(kind: Device['kind'], user: number): Device {
    const os = r.pick(kind === 'desktop' ? DESKTOPS : PHONES)
    const browser = os.startsWith('iOS') ? 'Safari' : (BROWSERS[r.weighted(SHARES.browsers)] ?? 'Chrome')
    const models = SHARES.models[kind]
    return {
      id: `u${user}d${r.below(1e9)}`,
      kind,
      os,
      browser,
      model: `m${Math.floor(models * r.next() ** 1.5)}`,
      lag: r.chance(SHARES.current) ? r.below(10) : r.below(200),
      proves: r.chance(p.keyUsers),
    }
  }

  function loginsOf(user: number): LoginRow[] {
    const home = country()
    const at = choose(of(home, false))
    const work = r.chance(p.work) ? choose(of(home, false)) : null
    const phoneNet = r.chance(p.phones) ? choose(of(home, false)) : null
    const vpn = r.chance(p.vpnUsers) ? choose(of(r.chance(0.5) ? home : country(), true)) : null
    let desktop = device('desktop', user)
    let phone = device('mobile', user)
    let homeAddress = r.below(at.addresses)
    const workAddress = work === null ? 0 : r.below(work.addresses)
    let journey = 0
    let journeyNet = at
    const peak = 7 + r.below(15)
    const base = Math.exp(SHARES.trip.base * r.normal())
    const now = (): Circumstances => ({
      country: home,
      home: at,
      homeAddress,
      work,
      workAddress,
      phoneNetwork: phoneNet,
      vpn,
      desktop,
      phone,
      journey,
      journeyNetwork: journeyNet,
      peak,
      base,
    })
    const rows: LoginRow[] = []
    const n = 12 + r.geometric(1 / Math.max(1.5, p.logins - 12))
    // People join over the year.
    let day = r.next() * p.days * 0.6
    const gap = (p.days - day) / n
    for (let i = 0; i < n; i++, day += -Math.log(1 - r.next()) * gap) {
      const before = now()
      if (r.chance(p.addressChange)) homeAddress = r.below(at.addresses)
      if (r.chance(p.deviceChange)) desktop = device('desktop', user)
      if (r.chance(p.deviceChange)) phone = device('mobile', user)
      if (journey > 0) journey--
      else if (r.chance(p.journey)) {
        journey = 1 + r.below(SHARES.journeyLogins)
        journeyNet = choose(of(r.chance(p.abroad) ? country() : home, false))
      }
      const onPhone = phoneNet !== null && r.chance(p.phoneShare)
      const used = onPhone ? phone : desktop
      let network = onPhone && r.chance(SHARES.phoneNetwork) ? phoneNet : at
      let ip = network === at ? address(at, homeAddress) : anyAddress(network)
      if (!onPhone && work !== null && r.chance(p.workShare)) {
        network = work
        ip = address(work, workAddress)
      }
      if (journey > 0) {
        network = journeyNet
        ip = anyAddress(journeyNet)
      }
      if (vpn !== null && r.chance(p.vpnShare)) {
        network = vpn
        ip = anyAddress(vpn)
      }
      const hour = (peak + Math.round(p.hours * r.normal()) + 48) % 24
      const row: LoginRow = {
        ...clientOf(used, Math.floor(day), p),
        at: START + Math.floor(day) * DAY + hour * 3_600_000 + r.below(3_600_000),
        user,
        roundTripMs: trip(network, onPhone, base * (vpn === network ? SHARES.trip.vpn : 1)),
        ip,
        country: network.country,
        asn: network.asn,
        hosting: network.hosting,
        key: used.proves && r.chance(p.keyShare) ? used.id : null,
      }
      rows.push(row)
      drawnFrom.set(row, { before, after: now() })
    }
    return rows
  }

  const rows = Array.from({ length: p.users }, (_, user) => loginsOf(user))
    .flat()
    .sort((a, b) => a.at - b.at || a.user - b.user)

  function attack(kind: Attacker, history: readonly LoginRow[], at: number): LoginRow {
    const usual = usualNetwork(history)
    const victim = history.findLast(({ asn }) => asn === usual) ?? history.at(-1)
    const day = Math.floor((at - START) / DAY)
    const popular = clientOf(
      {
        ...device(r.chance(SHARES.attack.desktop) ? 'desktop' : 'mobile', -1),
        browser: 'Chrome',
        os: r.chance(SHARES.attack.windows10) ? 'Windows 10' : 'Windows 11',
        kind: 'desktop',
        lag: SHARES.attack.lag,
      },
      day,
      p,
    )
    const origin = kind === 'naive' ? country() : (victim?.country ?? 'ZZ')
    const isp = networks.find(({ asn }) => asn === usual) ?? nowhere
    const network =
      kind === 'naive'
        ? choose(of(origin, r.chance(SHARES.attack.hosting)))
        : kind === 'vpn'
          ? choose(of(origin, true))
          : isp
    // A rented or broken-into machine near the victim answers for somebody far away, whose way adds to it.
    const far = r.chance(p.nearAttackers) ? 0 : SHARES.far.least + SHARES.far.more * r.next()
    const agent =
      kind === 'very targeted' && victim !== undefined
        ? victim
        : kind === 'naive' && r.chance(SHARES.attack.ownClient)
          ? clientOf(device('desktop', -1), day, p)
          : popular
    return {
      userAgent: agent.userAgent,
      browser: agent.browser,
      browserVersion: agent.browserVersion,
      os: agent.os,
      device: agent.device,
      at: START + day * DAY + r.below(DAY),
      user: victim?.user ?? -1,
      roundTripMs: trip(network, false, Math.exp(SHARES.trip.base * r.normal())) + far,
      ip: anyAddress(network),
      country: network.country,
      asn: network.asn,
      hosting: network.hosting,
      key: null,
    }
  }
  return { rows, networks, drawnFrom, attack }
}

/** How a device names itself on a day. */
export function clientOf({ browser, os, kind, model, lag }: Device, day: number, { release }: Parameters) {
  const browserVersion = versionOf(lag, day, release)
  const userAgent = `${browser}/${browserVersion} (${os}; ${model})`
  return { userAgent, browser: `${browser} ${browserVersion}`, browserVersion, os, device: kind }
}

export function versionOf(lag: number, day: number, release: number): number {
  return 100 + Math.max(0, Math.floor((day - lag + 200) / release))
}

/** The network that attackers take for the user's own. */
export function usualNetwork(history: readonly LoginRow[]): number {
  return mostCommon(history.map(({ asn }) => asn))
}

function networksOf(r: Random, p: Parameters, c: number): Network[] {
  const trip = c === 0 ? 25 : 40 + 25 * c
  return Array.from({ length: p.networksPerCountry + 5 }, (_, i) => {
    const hosting = i >= p.networksPerCountry
    return {
      asn: 1000 * (c + 1) + i,
      country: countryName(c),
      hosting,
      weight: hosting ? 1 : 1 / (i + 1),
      addresses: hosting ? 400 : 4000,
      trip: trip * (hosting ? 0.7 : 0.8 + 0.5 * r.next()),
    }
  })
}

/** User-assigned codes of ISO 3166-1: no real country is meant. */
function countryName(c: number): string {
  return `X${String.fromCharCode(65 + c)}`
}

function mostCommon(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0
}
