/**
 * Sections about who asks: logins, and copying a model by asking it.
 * @module
 */
import { at, fixed, list, number } from './read.ts'
import type { Goal, Section } from './sections.ts'

const goalsOf = (json: unknown): Goal[] =>
  list(json, 'goals').map((goal) => ({
    name: String(at(goal, 'name')),
    want: at(goal, 'want') === 'at least' ? 'at least' : 'at most',
    target: number(goal, 'target'),
    measured: number(goal, 'measured'),
    unit: String(at(goal, 'unit') ?? ''),
  }))

export const login: Section = {
  name: 'login',
  title: 'Logins: how often people are asked again (SYNTHETIC)',
  program: 'bench/login/main.ts',
  args: [],
  maxMinutes: 10,
  about:
    'Synthetic logins in the schema of the public RBA set, which itself is not here: no real login was seen, and the ' +
    'attackers are as the generator has them. Median re-authentications in the first twelve logins of a user, the very ' +
    'first among them, where the share of attacks in the column TPR is caught; worst of three seeds. `plain` is Freeman et ' +
    'al. (NDSS 2016) as published, number for number its public reference; `ours` is `engine/src/risk/login/likeness.ts`. Terms ' +
    'were chosen on `dev` alone; `held` has other parameters and seeds. The bounds are no scorers: `bench/login/bound.ts` ' +
    'judges by the generator’s own parameters. Goals: issue 4 and the shared notes.',
  tables: (json) => [
    {
      title: 'Median (worst seed), mean and 90 % of users; in brackets 95 %, users drawn with replacement',
      rows: list(json, 'lines').map((line) => ({
        set: String(at(line, 'set')),
        arm: String(at(line, 'arm')),
        attacker: String(at(line, 'attacker')),
        TPR: fixed(number(line, 'tpr')),
        median: withInterval(line, 'median', 0),
        mean: withInterval(line, 'mean', 2),
        'p90 of users': fixed(number(line, 'p90'), 0),
      })),
    },
  ],
  goals: goalsOf,
  notes: () => [
    'Earlier forms of the terms were run on `held` twice before the last changes (keys by client, round trips by device, the tails of round trips), which were chosen on `dev`. In `held` two in five users have no device that proves a key: against somebody with the same client and network there is only the round trip.',
    '`bound`: the likelihood ratio under the generator’s own parameters, by somebody who knows besides all of the user that no login has shown yet (the phone never used so far, the office never come from, the address of today) and how every attacker behaves (never from a phone, never with a client that the user has not shown). Nobody can have fewer false alarms in the mean. It asks 1.01 times in `held`, so the information is in these logins, for who knows that much.',
    '`bound, new is asked`: the same, but whenever a client or a network is new to the user, people are asked. In `held` that alone is a mean of 2.44 and a median of 2 with an interval up to 3, so asking about all that is new leaves the goal of 2 no room for any other mistake. Ours, which lets some new clients in from known networks (`dev`: 1.69 against 1.92), is at 3.12 in `held` (3.56 before keys went by client): the goal is missed, and not for want of information.',
    'Not taken: letting a known address count for 9 bits instead of 4 brings `dev` from 1.70 to 1.64 (very targeted, TPR .9) and from 2.43 to 2.16 (.98); but then it would outweigh a client never seen, and the made-up attackers never share the victim’s address, as real ones behind the same router do. Tried on `dev` without gain: other floors of the client (1.69 to 1.71), other clips of the round trip (1.67 to 1.80), longer ways only (1.75 to 1.78).',
  ],
}

/** A number and the 95 % interval beside it (`<name>Interval`). */
function withInterval(line: unknown, name: string, digits: number): string {
  const [low, high] = list(line, `${name}Interval`)
  const center = fixed(number(line, name), digits)
  return typeof low === 'number' && typeof high === 'number'
    ? `${center} [${fixed(low, digits)}, ${fixed(high, digits)}]`
    : center
}

/** A count; the interval beside it is one of its share. */
function withShare(line: unknown, name: string): string {
  const [low, high] = list(line, `${name}Interval`)
  return typeof low === 'number' && typeof high === 'number'
    ? `${fixed(number(line, name), 0)} [${fixed(100 * low, 0)}–${fixed(100 * high, 0)} %]`
    : fixed(number(line, name), 0)
}

const queries = (values: readonly unknown[]): string =>
  values.map((value) => (typeof value === 'number' ? String(value) : 'never')).join(' ')

export const extraction: Section = {
  name: 'extraction',
  title: 'Copying a model by asking it',
  program: 'bench/extraction/main.ts',
  args: [],
  maxMinutes: 30,
  about:
    'Offline replay: a small network on real digits (`mnist` 1.1.0), honest callers of three kinds, and published attacks ' +
    're-implemented small. Queries until the first alarm, by seed; seed 1 was looked at while the terms were chosen, with the ' +
    'attacks marked "tuned on"; the others were run for the report. What is usual comes from four honest callers of the ' +
    'natural kind only, on digits of their own. PRADA (Shapiro–Wilk, δ 0.95) beside it. Ten identities are seen as one, as ' +
    'agents of one owner are; "alone" is when nobody links them. Intervals draw seeds: with each its model, its digits and ' +
    'its streams. Goals: issue 4.',
  tables: (json) => [
    {
      title: 'Attacks',
      rows: list(json, 'attacks').map((line) => ({
        attack: String(at(line, 'attack')),
        terms: at(line, 'tuned') === true ? 'tuned on' : 'untouched',
        'ours, queries': queries(list(line, 'ours')),
        'mean [95 %]': withInterval(line, 'mean', 1),
        alone: list(line, 'alone').some((value) => value !== null) ? queries(list(line, 'alone')) : '',
        'PRADA, queries': queries(list(line, 'prada')),
        'copy agrees by then': withInterval(line, 'copy', 3),
      })),
    },
    {
      title: 'Honest callers: streams with an alarm, in brackets exact 95 %',
      rows: list(json, 'quiet').map((line) => ({
        kind: String(at(line, 'kind')),
        queries: fixed(number(line, 'queries'), 0),
        streams: fixed(number(line, 'streams'), 0),
        ours: withShare(line, 'ours'),
        PRADA: withShare(line, 'prada'),
        'highest stake, bits (alarm at 20)': fixed(number(line, 'highest'), 1),
      })),
    },
    {
      title: 'Natural pool, which no test of inputs finds: what hardening leaves of the copy',
      rows: list(json, 'hardened').map((line) => ({
        defence: String(at(line, 'arm')),
        queries: fixed(number(line, 'queries'), 0),
        'copy agrees': withInterval(line, 'copy', 3),
        'honest answers right': withInterval(line, 'honest', 3),
      })),
    },
  ],
  goals: goalsOf,
  notes: (json) => [
    `A query costs ${list(json, 'seeds')
      .map((seed) => fixed(number(seed, 'microsPerQuery'), 0))
      .join(', ')} µs CPU here, folding included; state of one model ${fixed(
      Math.max(...list(json, 'seeds').map((seed) => number(seed, 'stateBytes'))) / 1024,
      1,
    )} kB. A call without a list of numbers costs nothing of it.`,
  ],
}
