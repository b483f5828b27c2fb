/**
 * @module testing/append-child
 * Appends until killed: `append-child.ts DIRECTORY KEYFILE`. Prints `index id` of each entry after it was acknowledged.
 */
import { createPrivateKey } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { openLog } from '../log.ts'
import { entryOf, ORIGIN, SMALL } from './fixtures.ts'

const [, , directory = '', keyFile = ''] = process.argv
const key = createPrivateKey(readFileSync(keyFile))
const log = await openLog({ directory, origin: ORIGIN, key, ...SMALL, publishEveryMs: 5 })
let next = log.size
await Promise.all(
  Array.from({ length: 8 }, async () => {
    for (;;) {
      const id = next++
      const { index } = await log.append(entryOf(id, 200))
      writeSync(1, `${index} ${id}\n`)
    }
  }),
)
