/**
 * How well anybody could do on the made-up logins: the likelihood ratio under the generator's own parameters, for somebody
 * who knows besides, before every login, everything that the generator knows of the user (networks, present address,
 * devices, journeys, hours, distance). A scorer that has only earlier logins to go by cannot have fewer false alarms in the
 * mean at the same share of attacks caught (Neyman and Pearson, Phil. Trans. A 231, 1933). Of use to a bench only.
 * @module
 */
import {
  type Attacker,
  BROWSERS,
  type Circumstances,
  clientOf,
  DAY,
  DESKTOPS,
  type Device,
  type LoginRow,
  type Network,
  type Parameters,
  PHONES,
  SHARES,
  START,
  usualNetwork,
  versionOf,
} from './generate.ts'

export interface Densities {
  genuine(row: LoginRow, circumstances: Circumstances): number
  /** Of what this kind of attacker sends on the day of the row. */
  attack(kind: Attacker, row: LoginRow, history: readonly LoginRow[]): number
}

export function densities(p: Parameters, networks: readonly Network[]): Densities {
  const countries = p.countries.reduce((sum, weight) => sum + weight, 0)
  const names = [...new Set(networks.map(({ country }) => country))]
  const countryShare = (name: string) => (p.countries[names.indexOf(name)] ?? 0) / countries
  const byNumber = new Map(networks.map((network) => [network.asn, network]))
  /** Share among the networks of its country that rent out machines, or that do not. */
  const shareOf = (network: Network) => {
    const alike = networks.filter(
      ({ country, hosting }) => country === network.country && hosting === network.hosting,
    )
    return network.weight / alike.reduce((sum, { weight }) => sum + weight, 0)
  }
  const shares = new Map(networks.map((network) => [network.asn, shareOf(network)]))

  function genuine(row: LoginRow, c: Circumstances): number {
    const network = byNumber.get(row.asn)
    if (network === undefined) return 0
    const phones = c.phoneNetwork === null ? 0 : p.phoneShare
    let density = 0
    for (const onPhone of [false, true]) {
      const share = onPhone ? phones : 1 - phones
      if (share === 0) continue
      const client = deviceDensity(row, onPhone ? c.phone : c.desktop)
      if (client === 0) continue
      const far = c.base * (onPhone ? SHARES.trip.mobile : 1) * (c.vpn === network ? SHARES.trip.vpn : 1)
      const trip = logNormal(row.roundTripMs, network.trip * far, SHARES.trip.noise)
      density += share * client * trip * addressDensity(row.ip, network, c, onPhone)
    }
    return density * hourDensity(row, c.peak)
  }

  /** Of the device as it was, or of one that replaced it; with the key that was proven. */
  function deviceDensity(row: LoginRow, device: Device): number {
    const key =
      row.key === null ? 1 - (device.proves ? p.keyShare : 0) : row.key === device.id ? p.keyShare : 0
    const same = clientOf(device, dayOf(row), p).userAgent === row.userAgent ? key : 0
    const replaced = row.key === null ? 1 - p.keyUsers * p.keyShare : 0
    return (1 - p.deviceChange) * same + p.deviceChange * replaced * newClient(row, device.kind)
  }

  /** In the order in which the generator decides: home or phone, work, a journey, a VPN; each overrules those before. */
  function addressDensity(ip: string, network: Network, c: Circumstances, onPhone: boolean): number {
    const any = 1 / network.addresses
    const home =
      network === c.home
        ? (ip === `${c.home.asn}.${c.homeAddress}` ? 1 - p.addressChange : 0) + p.addressChange * any
        : 0
    const mobile = c.phoneNetwork === c.home ? home : c.phoneNetwork === network ? any : 0
    const usual = onPhone ? SHARES.phoneNetwork * mobile + (1 - SHARES.phoneNetwork) * home : home
    const atWork = !onPhone && c.work !== null ? p.workShare : 0
    const office = network === c.work && ip === `${network.asn}.${c.workAddress}` ? 1 : 0
    const settled = (1 - atWork) * usual + atWork * office
    const under = c.journey > 1
    const away = under ? 1 : c.journey === 1 ? 0 : p.journey
    const begun = network.hosting
      ? 0
      : (p.abroad * countryShare(network.country) + (network.country === c.country ? 1 - p.abroad : 0)) *
        (shares.get(network.asn) ?? 0)
    const travelling = any * (under ? (network === c.journeyNetwork ? 1 : 0) : begun)
    const tunnelled = c.vpn === null ? 0 : p.vpnShare
    return (
      (1 - tunnelled) * ((1 - away) * settled + away * travelling) + tunnelled * (network === c.vpn ? any : 0)
    )
  }

  /** Hours lie around the peak, rounded, round the clock. */
  function hourDensity(row: LoginRow, peak: number): number {
    const hour = new Date(row.at).getUTCHours()
    let density = 0
    for (let turn = -2; turn <= 2; turn++) {
      const away = hour - peak + 24 * turn
      density += normalBelow((away + 0.5) / p.hours) - normalBelow((away - 0.5) / p.hours)
    }
    return density
  }

  function newClient(row: LoginRow, kind: Device['kind']): number {
    const { browser, version, os, model } = partsOf(row.userAgent)
    const systems: readonly string[] = kind === 'desktop' ? DESKTOPS : PHONES
    if (!systems.includes(os)) return 0
    const browserShare = os.startsWith('iOS')
      ? Number(browser === 'Safari')
      : (SHARES.browsers[(BROWSERS as readonly string[]).indexOf(browser)] ?? 0) / 100
    const lags = (days: number) => {
      let as = 0
      for (let lag = 0; lag < days; lag++) as += Number(versionOf(lag, dayOf(row), p.release) === version)
      return as / days
    }
    const versionShare = SHARES.current * lags(10) + (1 - SHARES.current) * lags(200)
    return (1 / systems.length) * browserShare * versionShare * modelShare(model, kind)
  }

  function popularClient(row: LoginRow): number {
    const { browser, version, os, model } = partsOf(row.userAgent)
    const { desktop, windows10, lag } = SHARES.attack
    const system = os === 'Windows 10' ? windows10 : os === 'Windows 11' ? 1 - windows10 : 0
    const current = version === versionOf(lag, dayOf(row), p.release)
    if (browser !== 'Chrome' || !current) return 0
    return system * (desktop * modelShare(model, 'desktop') + (1 - desktop) * modelShare(model, 'mobile'))
  }

  function attack(kind: Attacker, row: LoginRow, history: readonly LoginRow[]): number {
    const network = byNumber.get(row.asn)
    if (row.key !== null || network === undefined) return 0
    const usual = usualNetwork(history)
    const victim = history.findLast(({ asn }) => asn === usual) ?? history.at(-1)
    const { ownClient, hosting } = SHARES.attack
    const client =
      kind === 'very targeted'
        ? Number(row.userAgent === victim?.userAgent)
        : kind === 'naive'
          ? ownClient * newClient(row, 'desktop') + (1 - ownClient) * popularClient(row)
          : popularClient(row)
    const within = (shares.get(network.asn) ?? 0) / network.addresses
    const from =
      kind === 'naive'
        ? countryShare(network.country) * (network.hosting ? hosting : 1 - hosting) * within
        : kind === 'vpn'
          ? Number(network.hosting && network.country === victim?.country) * within
          : Number(network.asn === usual) / network.addresses
    return (client * from * attackTrip(row.roundTripMs, network.trip)) / 24
  }

  function attackTrip(ms: number, centre: number): number {
    const spread = Math.hypot(SHARES.trip.noise, SHARES.trip.base)
    const { least, more } = SHARES.far
    const below = (x: number) => (x <= 0 ? 0 : normalBelow(Math.log(x / centre) / spread))
    const far = (below(ms - least) - below(ms - least - more)) / more
    return p.nearAttackers * logNormal(ms, centre, spread) + (1 - p.nearAttackers) * far
  }

  return { genuine, attack }
}

function dayOf(row: LoginRow): number {
  return Math.floor((row.at - START) / DAY)
}

function partsOf(userAgent: string) {
  const [, browser = '', version = '', os = '', model = ''] =
    /^(\w+)\/(\d+) \((.+); m(\d+)\)$/.exec(userAgent) ?? []
  return { browser, version: Number(version), os, model: Number(model) }
}

/** Models are `⌊n·u^1.5⌋` of an even `u`. */
function modelShare(model: number, kind: Device['kind']): number {
  const n = SHARES.models[kind]
  return model >= n ? 0 : ((model + 1) / n) ** (2 / 3) - (model / n) ** (2 / 3)
}

function logNormal(x: number, centre: number, spread: number): number {
  return Math.exp(-0.5 * (Math.log(x / centre) / spread) ** 2) / (x * spread * Math.sqrt(2 * Math.PI))
}

/** Abramowitz and Stegun 26.2.17: right to 7.5e-8. */
function normalBelow(z: number): number {
  if (z < 0) return 1 - normalBelow(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const tail =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) * tail
}
