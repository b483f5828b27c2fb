/**
 * Real processes: a child that appends until it is killed at a random moment, and the verifier as a program of its own. Kill -9
 * does not test power loss (the page cache survives); `sequence-errors.test.ts` does, on a simulated disk.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { openLog } from './log.ts'
import { entryOf, newKey, ORIGIN, SMALL } from './testing/fixtures.ts'
import { temporaryDirectory } from './testing/temporary.ts'

const ROUNDS = 6
const child = path.join(import.meta.dirname, 'testing/append-child.ts')
const verifier = path.join(import.meta.dirname, 'verify.ts')

/** Lets a child append, kills it after so many acknowledgements, and returns what it acknowledged. */
async function killedAfter(directory: string, keyFile: string, count: number): Promise<Map<number, number>> {
  const process_: ChildProcess = spawn(process.execPath, [child, directory, keyFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const acknowledged = new Map<number, number>()
  const exited = once(process_, 'exit')
  if (process_.stdout === null) assert.fail('the child has no output')
  for await (const line of createInterface({ input: process_.stdout })) {
    const [index = -1, id = -1] = line.split(' ').map(Number)
    acknowledged.set(index, id)
    if (acknowledged.size === count) process_.kill('SIGKILL')
  }
  await exited
  return acknowledged
}

describe('kill -9', () => {
  it('loses no acknowledged entry, over rounds on the same directory', async () => {
    using temporary = temporaryDirectory()
    const directory = path.join(temporary.path, 'log')
    const keyFile = path.join(temporary.path, 'key.pem')
    fs.writeFileSync(keyFile, newKey().export({ type: 'pkcs8', format: 'pem' }))
    const key = createPrivateKey(fs.readFileSync(keyFile))
    const all = new Map<number, number>()
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await killedAfter(directory, keyFile, 50 + Math.floor(Math.random() * 800))
      assert.ok(acknowledged.size >= 50, 'the child must have worked')
      for (const [index, id] of acknowledged) {
        assert.equal(all.has(index), false, `index ${index} was given out twice`)
        all.set(index, id)
      }
      const log = await openLog({ directory, origin: ORIGIN, key, ...SMALL, check: 'full' })
      for (const [index, id] of all) assert.deepEqual(Buffer.from(await log.entry(index)), entryOf(id, 200))
      await log.close()
    }
    const { status, stdout } = spawnSync(process.execPath, [verifier, directory], { encoding: 'utf8' })
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^VERIFIED directory/)
  })
})

describe('the verifier as a program', () => {
  it('exits with 0 for a receipt, 1 for the same with one byte flipped, 2 without arguments', async () => {
    using temporary = temporaryDirectory()
    const log = await openLog({
      directory: path.join(temporary.path, 'log'),
      origin: ORIGIN,
      key: newKey(),
      ...SMALL,
    })
    await log.append(entryOf(0))
    const receipt = JSON.stringify(await log.receipt(0))
    await log.close()
    // Copied alone: the file must need nothing beside it.
    const alone = path.join(temporary.path, 'verify.ts')
    fs.copyFileSync(verifier, alone)
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [alone, ...args], { encoding: 'utf8', cwd: temporary.path })
    const file = path.join(temporary.path, 'receipt.json')
    fs.writeFileSync(file, receipt)
    const good = run(file, '--vkey', log.vkey)
    assert.deepEqual([good.status, good.stderr], [0, ''])
    fs.writeFileSync(
      file,
      receipt.replace(/"entry":"(.)/, (_, first) => `"entry":"${first === 'A' ? 'B' : 'A'}`),
    )
    const bad = run(file, '--vkey', log.vkey)
    assert.equal(bad.status, 1)
    assert.match(bad.stdout, /^FAILED \(bad_proof\): entry 0 is not the one under the signed root/)
    assert.equal(run().status, 2)
  })
})
