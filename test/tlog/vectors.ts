/**
 * Outside vectors for the ledger: proofs of transparency-dev/merkle and the signed test log of transparency-dev/tessera.
 * Each family is a function that returns counts and differences, so that a test and `npm run test:tlog` share them.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  decodeBundle,
  emptyRoot,
  LedgerError,
  leafHash,
  nodeHash,
  openCheckpoint,
  parseVkey,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from '@safeconduct/ledger'
import { verifyDirectory } from '@safeconduct/ledger/verify'

export interface Outcome {
  name: string
  passed: number
  /** Of those passed, the ones that had to be refused. */
  negative: number
  failures: string[]
}

/** The folder of the vectors, or undefined when the shared material is not beside the checkout. */
export function sharedVectors(): string | undefined {
  const shared = process.env.SAFECONDUCT_SHARED ?? path.resolve(import.meta.dirname, '../../../shared')
  const folder = path.join(shared, 'vectors/tlog')
  return existsSync(folder) ? folder : undefined
}

/** Cases per family: a set that shrank would pass unnoticed. */
export const EXPECTED_CASES = {
  inclusion: 98,
  consistency: 98,
  subtreeinclusion: 204,
  subtreeconsistency: 118,
  tessera: 16,
} as const

export type MerkleFamily = Exclude<keyof typeof EXPECTED_CASES, 'tessera'>

/** One case file; absent members stay undefined. Sizes over 2^53 lose digits in JSON and must be refused anyway. */
interface Case {
  desc: string
  wantErr: boolean
  number: (name: string) => number
  hash: (name: string) => Buffer
  proof: Buffer[]
}

const base64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : '', 'base64')

function readCase(file: string): Case {
  const json: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'))
  return {
    desc: String(json.desc),
    wantErr: json.wantErr === true,
    number: (name) => Number(json[name]),
    hash: (name) => base64(json[name]),
    proof: Array.isArray(json.proof) ? json.proof.map(base64) : [],
  }
}

const checks: Record<MerkleFamily, (test: Case) => void> = {
  inclusion: ({ number, hash, proof }) =>
    verifyInclusion(number('leafIdx'), number('treeSize'), hash('leafHash'), proof, hash('root')),
  consistency: ({ number, hash, proof }) =>
    verifyConsistency(number('size1'), number('size2'), proof, hash('root1'), hash('root2')),
  subtreeinclusion: ({ number, hash, proof }) =>
    verifySubtreeInclusion(
      number('leafIdx'),
      number('start'),
      number('end'),
      hash('leafHash'),
      proof,
      hash('root'),
    ),
  subtreeconsistency: ({ number, hash, proof }) =>
    verifySubtreeConsistency(
      number('start'),
      number('end'),
      number('size'),
      proof,
      hash('root1'),
      hash('root2'),
    ),
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((item) => {
    const file = path.join(folder, item.name)
    return item.isDirectory() ? walk(file) : [file]
  })
}

export function runMerkle(folder: string, family: MerkleFamily): Outcome {
  const outcome: Outcome = { name: family, passed: 0, negative: 0, failures: [] }
  for (const file of walk(path.join(folder, 'merkle/testdata', family))) {
    const test = readCase(file)
    let refused = false
    try {
      checks[family](test)
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === 'bad_proof')) throw error
      refused = true
    }
    if (refused === test.wantErr) {
      outcome.passed++
      if (refused) outcome.negative++
    } else outcome.failures.push(`${file}: ${test.desc}: wanted ${test.wantErr ? 'a refusal' : 'success'}`)
  }
  return outcome
}

/** Public key of the Tessera test log. */
export const TESSERA_VKEY = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'

function recursiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves
  if (first === undefined) return emptyRoot()
  if (leaves.length === 1) return first
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(recursiveRoot(leaves.slice(0, split)), recursiveRoot(leaves.slice(split)))
}

/** Every checkpoint with the tile and bundle of its size, then the whole log through the offline verifier. */
export function runTessera(folder: string): Outcome {
  const outcome: Outcome = { name: 'tessera', passed: 0, negative: 0, failures: [] }
  const log = path.join(folder, 'tessera/testdata/log')
  const key = parseVkey(TESSERA_VKEY)
  const notes: string[] = []
  for (const name of readdirSync(log).filter((file) => /^checkpoint\.\d+$/.test(file))) {
    const note = readFileSync(path.join(log, name), 'utf8')
    notes.push(note)
    const { size, root } = openCheckpoint(note, key, key.name)
    const bundle = size > 0 ? readFileSync(path.join(log, `tile/entries/000.p/${size}`)) : Buffer.alloc(0)
    const tile = size > 0 ? readFileSync(path.join(log, `tile/0/000.p/${size}`)) : Buffer.alloc(0)
    const leaves = decodeBundle(bundle).map(leafHash)
    const good =
      name === `checkpoint.${size}` &&
      Buffer.concat(leaves).equals(tile) &&
      root.equals(recursiveRoot(leaves))
    if (good) outcome.passed++
    else outcome.failures.push(`${name} does not match its tile and bundle`)
  }
  const whole = verifyDirectory(log, { vkey: TESSERA_VKEY, since: notes })
  if (!whole.ok) outcome.failures.push(`verifyDirectory: ${whole.code}: ${whole.message}`)
  else if (whole.extends.length !== notes.length) outcome.failures.push('not every checkpoint was compared')
  return outcome
}

export function runAll(folder: string): Outcome[] {
  const families = ['inclusion', 'consistency', 'subtreeinclusion', 'subtreeconsistency'] as const
  return [...families.map((family) => runMerkle(folder, family)), runTessera(folder)]
}
