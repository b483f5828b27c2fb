/**
 * Continuous authentication by mouse (Balabit challenge): each person's training recordings teach, one score for each
 * test recording, global AUC over all of them. Peers are the other people in the file, as in published work. Models are
 * calibrated by training recordings that were left out, never by test recordings.
 * @module
 */
import {
  countEvents,
  type MouseRecording,
  recordMouse,
  scoreMouse,
  trainMouse,
} from '../../packages/engine/src/risk/behaviour/index.ts'
import { type MouseFileRecording, readMouse } from './data.ts'
import { auc, eer, estimate, mean } from './metrics.ts'
import { jsonBytes, type Report } from './report.ts'

/** Events of a test recording, about: pieces of training recordings are as long. */
const LENGTH = 1100

interface Judged {
  readonly own: number[]
  readonly foreign: number[]
}

export function benchMouse(file: string): Report {
  return mouseReport(file, readMouse(file))
}

export function mouseReport(file: string, recordings: readonly MouseFileRecording[]): Report {
  const people = new Map<string, MouseRecording[]>()
  for (const { training, user, events } of recordings)
    if (training) people.set(user, [...(people.get(user) ?? []), recordMouse(events, LENGTH)])
  const pace = { events: 0, ms: 0 }
  let stateBytes = 0
  const judged = [...people].map(([user, own]): Judged => {
    const others = [...people].filter(([other]) => other !== user).map(([, theirs]) => theirs)
    const model = trainMouse(own, others)
    stateBytes = Math.max(stateBytes, jsonBytes(model))
    const result: Judged = { own: [], foreign: [] }
    for (const recording of recordings) {
      if (recording.training || recording.user !== user) continue
      const started = performance.now()
      const { bits } = scoreMouse(model, countEvents(recording.events), 0)
      pace.ms += performance.now() - started
      pace.events += recording.events.length
      result[recording.foreign ? 'foreign' : 'own'].push(bits)
    }
    return result
  })
  const all = (drawn: readonly Judged[], side: keyof Judged): number[] => drawn.flatMap((one) => one[side])
  return {
    bench: 'mouse',
    file,
    data: `${people.size} people, ${judged.reduce((n, one) => n + one.own.length + one.foreign.length, 0)} recordings judged`,
    rows: [
      {
        metric: 'global AUC',
        ...estimate(judged, (drawn) => auc(all(drawn, 'own'), all(drawn, 'foreign'))),
        start: 0.894,
        goal: 0.95,
        want: 'at least',
      },
      {
        metric: 'EER, one threshold',
        ...estimate(judged, (drawn) => eer(all(drawn, 'own'), all(drawn, 'foreign'))),
        start: 0.14,
      },
      {
        metric: 'AUC, mean of people',
        ...estimate(judged, (drawn) => mean(drawn.map(({ own, foreign }) => auc(own, foreign)))),
        start: 0.905,
      },
    ],
    microsPerEvent: (pace.ms / pace.events) * 1000,
    stateBytes,
    notes: [
      "Peers include the imitated impostors, as in the start's protocol. Recordings differ in device and screen: part of what is recognised is the desk, not the hand.",
      'Intervals draw people; with five people they are wide.',
    ],
  }
}
