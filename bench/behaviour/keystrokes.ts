/**
 * Continuous authentication by typing. Free text: one sample left out in turn, judged in blocks against everybody's
 * model; the background of a fold is everybody's other samples (closed, as the start was measured). The cohort that
 * normalises a score never has the person who typed when somebody else is claimed: an impostor is unknown. Phrase on a
 * phone: first 34 typings teach, last 17 are own, the first 5 of everybody else are impostors; cohort the same way.
 * @module
 */
import {
  emptyPhrase,
  emptyRhythm,
  type Keystroke,
  learnKeystrokes,
  learnPhrase,
  normalise,
  phraseProfile,
  type Rhythm,
  scoreKeystrokes,
  scorePhrase,
} from '../../packages/engine/src/risk/behaviour/index.ts'
import { readFreeText, readPhrases } from './data.ts'
import { eer, estimate, mean } from './metrics.ts'
import { jsonBytes, type Report, type Row } from './report.ts'

const BLOCKS = [50, 100, 500] as const
const STARTS: Readonly<Record<number, number>> = { 50: 0.089, 100: 0.072, 500: 0.055 }

interface Judged {
  readonly own: number[]
  readonly foreign: number[]
}
type People = ReadonlyMap<string, readonly (readonly Keystroke[])[]>

export function benchKeystrokes(file: string, phraseFile: string | null): Report {
  const report = freeTextReport(file, readFreeText(file))
  return phraseFile === null
    ? report
    : { ...report, rows: [...report.rows, ...phraseRows(readPhrases(phraseFile))] }
}

export function freeTextReport(file: string, people: People): Report {
  const users = [...people.keys()]
  const folds = Math.min(...[...people.values()].map((samples) => samples.length))
  const raw = BLOCKS.map(() => users.map((): Judged => ({ own: [], foreign: [] })))
  const normal = BLOCKS.map(() => users.map((): Judged => ({ own: [], foreign: [] })))
  const pace = { keys: 0, ms: 0 }
  let stateBytes = 0
  for (let fold = 0; fold < folds; fold++) {
    const { models, everybody } = learned(people, fold)
    for (const model of models) stateBytes = Math.max(stateBytes, jsonBytes(model))
    users.forEach((typist, who) => {
      const sample = people.get(typist)?.[fold] ?? []
      BLOCKS.forEach((size, b) => {
        for (let from = 0; from + size <= sample.length; from += size) {
          const piece = sample.slice(from, from + size)
          const started = performance.now()
          const scores = models.map((model) => scoreKeystrokes(model, everybody, piece, 0).bits)
          pace.ms += performance.now() - started
          pace.keys += size * models.length
          scores.forEach((score, claimed) => {
            const cohort = scores.filter((_, other) => other !== claimed && other !== who)
            const side = claimed === who ? 'own' : 'foreign'
            raw[b]?.[claimed]?.[side].push(score)
            normal[b]?.[claimed]?.[side].push(normalise(score, cohort))
          })
        }
      })
    })
  }
  return {
    bench: 'keystrokes',
    file,
    data: `free text of ${users.length} people, ${folds} folds`,
    rows: BLOCKS.flatMap((size, b): Row[] => [
      { metric: `free text, ${size} keys, not normalised: EER`, ...pooled(raw[b] ?? []) },
      {
        metric: `free text, ${size} keys: EER`,
        ...pooled(normal[b] ?? []),
        start: STARTS[size] ?? Number.NaN,
        ...(size === 100 ? { goal: 0.05, want: 'at most' as const } : {}),
      },
      { metric: `free text, ${size} keys: EER, mean of people`, ...perPerson(normal[b] ?? []) },
    ]),
    microsPerEvent: (pace.ms / pace.keys) * 1000,
    stateBytes,
    notes: [
      'Cost is per key and model; a normalised score asks a cohort of models, here everybody.',
      "Intervals draw people. Pooled: one threshold for all. Background statistics hold the impostor's other samples, as in the start's protocol; the cohort never does.",
    ],
  }
}

/** Keys that everybody's background learns of one person before it goes on to the next. */
const TURN = 50

function learned(people: People, fold: number): { models: Rhythm[]; everybody: Rhythm } {
  const everybody = emptyRhythm()
  const taught = [...people.values()].map((samples) => samples.filter((_, i) => i !== fold))
  const models = taught.map((samples) => {
    const own = emptyRhythm()
    for (const sample of samples) learnKeystrokes(own, sample)
    return own
  })
  // In turns, as people who work at the same time are seen: nobody comes first.
  const samples = Math.max(...taught.map(({ length }) => length))
  for (let sample = 0; sample < samples; sample++)
    for (let from = 0, more = true; more; from += TURN) {
      more = false
      for (const person of taught) {
        const keys = person[sample]?.slice(from, from + TURN) ?? []
        learnKeystrokes(everybody, keys)
        more ||= keys.length === TURN
      }
    }
  return { models, everybody }
}

/** Milliseconds, then pressures and sizes below 1. */
function unitOf(feature: number): number {
  return feature < 40 || feature === 68 ? 20 : 0.05
}

export function phraseRows(people: ReadonlyMap<string, readonly (readonly number[])[]>): Row[] {
  const typings = [...people.values()]
  const units = (typings[0]?.[0] ?? []).map((_, i) => unitOf(i))
  const everybody = emptyPhrase()
  const own = typings.map((all) => {
    const state = emptyPhrase()
    for (const values of all.slice(0, 34)) learnPhrase(state, values, units)
    return state
  })
  for (const state of own) everybody.typings.push(...state.typings)
  const profiles = own.map((state) => phraseProfile(state, everybody))
  const judged = typings.map((): Judged => ({ own: [], foreign: [] }))
  const judge = (values: readonly number[], who: number, claims: readonly number[]): void => {
    const scores = profiles.map((profile) => scorePhrase(profile, values, units, 0).bits)
    for (const claimed of claims) {
      const cohort = scores.filter((_, other) => other !== claimed && other !== who)
      judged[claimed]?.[claimed === who ? 'own' : 'foreign'].push(normalise(scores[claimed] ?? 0, cohort))
    }
  }
  typings.forEach((all, who) => {
    const others = typings.map((_, i) => i).filter((i) => i !== who)
    for (const values of all.slice(34)) judge(values, who, [who])
    for (const values of all.slice(0, 5)) judge(values, who, others)
  })
  return [
    {
      metric: 'phrase on a phone: EER, mean of people',
      ...perPerson(judged),
      start: 0.065,
      goal: 0.05,
      want: 'at most',
    },
    { metric: 'phrase on a phone: EER, one threshold', ...pooled(judged) },
  ]
}

function pooled(judged: readonly Judged[]) {
  return estimate(judged, (drawn) =>
    eer(
      drawn.flatMap(({ own }) => own),
      drawn.flatMap(({ foreign }) => foreign),
    ),
  )
}

function perPerson(judged: readonly Judged[]) {
  const rates = judged.map(({ own, foreign }) => eer(own, foreign))
  return estimate(rates, mean)
}
