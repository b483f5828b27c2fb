/**
 * Retrieval over 100,000 chunks whose permissions change between two questions and in the middle of one. Every answer
 * is checked against a look at every chunk: nothing closed is in it, and nothing that is open and better is missing.
 * @module
 */
import { questionOf, randomOf } from './corpus.ts'
import { difference, openLibrary } from './library.ts'

const CHUNKS = 100_000
const COLLECTIONS = 60
const K = 10
const QUESTIONS = 25

const say = (text: string) => process.stdout.write(`${text}\n`)
const started = performance.now()
say(`Indexing ${CHUNKS} chunks and writing their relations, on data of its own: this takes a while…`)
const library = await openLibrary(CHUNKS, COLLECTIONS)
let failures = 0
try {
  say(`${library.chunks.length} chunks indexed, relations written, in ${seconds(started)} s.`)
  for (let at = 0; at < COLLECTIONS; at += 2) await library.mayRead('user', `col-${at}`)
  for (let at = 0; at < COLLECTIONS; at += 3) await library.mayRead('agent', `col-${at}`)
  let open = 0
  for await (const _ of library.documents.authorizedIds(library.errand)) open++
  say(
    `The user may read every second collection, the agent every third: ${open} documents are open to both.\n`,
  )

  const question = 'margin breach notice'
  const first = await answer(question)
  const top = first[0]
  if (top !== undefined) {
    say(`\nThe best hit is ${top.document}. It is withheld from the user, and the same is asked again:`)
    await library.withhold('user', top.document, true)
    const second = await answer(question)
    say(
      `  ${top.document} ${second.some((hit) => hit.document === top.document) ? 'is STILL there' : 'is gone'}.`,
    )
    say('\nIt is given back; another collection is taken away while the search runs:')
    await library.withhold('user', top.document, false)
    const collection = library.chunks.find(({ document }) => document === top.document)?.collection ?? ''
    await answer(question, () => library.mayNoLongerRead('agent', collection))
    await library.mayRead('agent', collection)
  }

  say(`\n${QUESTIONS} questions, with a change before each:`)
  const random = randomOf(7)
  const times: number[] = []
  for (let n = 0; n < QUESTIONS; n++) {
    const who = random() < 0.5 ? 'user' : 'agent'
    const collection = `col-${Math.floor(random() * COLLECTIONS)}`
    await (random() < 0.5 ? library.mayRead(who, collection) : library.mayNoLongerRead(who, collection))
    const asked = performance.now()
    await answer(questionOf(random), undefined, true)
    times.push(performance.now() - asked)
  }
  times.sort((a, b) => a - b)
  say(`  half of them within ${Math.round(times[times.length >> 1] ?? 0)} ms, brute force included.`)

  await library.revokeAgent()
  const after = await library.ask(question, K)
  if (after.length > 0) failures++
  say(`\nThe agent is revoked: ${after.length} hits.`)
} finally {
  await library.close()
}
say(failures === 0 ? '\nNothing leaked, nothing permitted was missed.' : `\n${failures} answers were WRONG.`)
process.exitCode = failures === 0 ? 0 : 1

async function answer(question: string, between?: () => Promise<void>, quiet = false) {
  const asked = performance.now()
  const found = await library.ask(question, K, between)
  const took = Math.round(performance.now() - asked)
  const wrong = difference(library, found, library.expected(question, K))
  if (wrong !== null) failures++
  if (!quiet || wrong !== null)
    say(
      `  "${question}": ${found.length} hits in ${took} ms, ${wrong === null ? 'exact' : `WRONG: ${wrong}`}`,
    )
  return found
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1)
}
