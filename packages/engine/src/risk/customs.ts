/**
 * What agents of one tenant commonly do beside which tools they call: what kinds of errands need, what arguments look
 * like, how many different things are touched in an hour or a day. In groups, like the tools themselves
 * (`behaviour/peers.ts`), so nobody is part of the own background and a group that stands alone moves it little.
 * @module
 */
import { type Background, background, GROUP_SYMBOLS, learnPeer, type Peers } from './behaviour/peers.ts'
import type { Signal } from './detector.ts'

/** Maps whose members are replaced, never changed in place. */
export interface Customs {
  /** By digest of the kind of errand, and by that with the kind of tool. */
  readonly kinds: Peers
  /** By tool and argument, and by that with its class. */
  readonly forms: Peers
  /** By kind of window, and by that with the power of two of how much was touched in it. */
  readonly breadths: Peers
}

/** Others of the tenant, as a detector may ask about them. Members that are left out: nothing is known. */
export interface Population extends Background {
  readonly kinds?: Background
  readonly forms?: Background
  readonly breadths?: Background
}

/** One thing within what it is part of: its share of that, and the groups that know the whole. */
export interface Within {
  readonly share: number
  /** Share of the whole among everything that is counted beside it; 0 = nobody knows it. */
  readonly whole: number
  readonly groups: number
}

export function within(others: Background | undefined, whole: string, part: string): Within {
  const of = others?.share(whole) ?? 0
  if (others === undefined || of <= 0) return { share: 0, whole: 0, groups: others?.groups ?? 0 }
  return { share: Math.min(1, others.share(`${whole} ${part}`) / of), whole: of, groups: others.groups }
}

/** The whole and its part are counted together, so that one is a share of the other. */
export function learnWithin(peers: Peers, group: number, whole: string, part: string): void {
  learnPeer(peers, group, whole, 1)
  learnPeer(peers, group, `${whole} ${part}`, 1)
}

/** A lesson that was taken. */
export function learnCustoms(
  { kinds, forms, breadths }: Customs,
  group: number,
  { tool, errand, forms: seen }: Signal,
  windows: readonly (readonly [kind: string, size: string])[],
): void {
  if (errand !== undefined) for (const kind of errand.kinds) learnWithin(kinds, group, kind, errand.does)
  for (const form of seen ?? []) {
    const [path, kind] = splitForm(form)
    learnWithin(forms, group, `${tool} ${path}`, kind)
  }
  for (const [kind, size] of windows) learnWithin(breadths, group, kind, size)
}

export function splitForm(form: string): readonly [path: string, kind: string] {
  const at = form.lastIndexOf(' ')
  return [form.slice(0, at), form.slice(at + 1)]
}

/** What everybody but this group does. Each part is worked out when it is asked for. */
export function population(common: Background, customs: Customs, without: number): Population {
  return {
    groups: common.groups,
    share: (symbol) => common.share(symbol),
    get kinds() {
      return known(customs.kinds, without)
    },
    get forms() {
      return known(customs.forms, without)
    },
    get breadths() {
      return background(customs.breadths, without)
    },
  }
}

/** A group that has no room left for what is new to it cannot say that nobody does something: it says nothing. */
function known(peers: Peers, without: number): Background {
  const symbols = peers.get('symbols')
  return background(peers, without, (group) => (symbols?.[group] ?? 0) >= GROUP_SYMBOLS)
}
