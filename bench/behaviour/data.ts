/**
 * The recorded behaviour: read from files beside the checkout, never copied into it. Plain or gzip.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Keystroke, PointerEvent } from '../../packages/engine/src/risk/behaviour/index.ts'

/** Path of a shared file by its name; null when the shared data are not here. */
export function sharedFile(name: string): string | null {
  const root = process.env.SAFECONDUCT_SHARED ?? path.resolve(import.meta.dirname, '../../../shared')
  const file = path.join(root, 'data/behaviour', name)
  return existsSync(file) ? file : null
}

function text(file: string): string {
  const bytes = readFileSync(file)
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8')
}

function lines(file: string): string[] {
  return text(file)
    .split('\n')
    .filter((line) => line.trim() !== '')
}

export interface CommandUser {
  readonly user: string
  readonly commands: readonly string[]
}

export function readCommands(file: string): CommandUser[] {
  return lines(file).map((line) => JSON.parse(line) as CommandUser)
}

export interface SyscallTrace {
  readonly part: 'train' | 'valid' | 'attack'
  readonly id: string
  readonly kinds: readonly string[]
  readonly attack?: string
  readonly run?: string
}

export function readSyscalls(file: string): SyscallTrace[] {
  return lines(file).map((line) => {
    const { seq, ...rest } = JSON.parse(line) as Omit<SyscallTrace, 'kinds'> & { seq: readonly number[] }
    return { ...rest, kinds: seq.map(String) }
  })
}

/** Samples of each person, by user and then in the order of the file. */
export function readFreeText(file: string): ReadonlyMap<string, readonly (readonly Keystroke[])[]> {
  const people = new Map<string, Map<string, Keystroke[]>>()
  for (const line of lines(file).slice(1)) {
    const [user = '', session = '', key = '', press, release] = line.split(',')
    const samples = people.get(user) ?? new Map<string, Keystroke[]>()
    people.set(user, samples)
    const keys = samples.get(session) ?? []
    samples.set(session, keys)
    keys.push({ key, press: Number(press), release: Number(release) })
  }
  return new Map([...people].map(([user, samples]) => [user, [...samples.values()]]))
}

/** Typings by person. By position: three names occur twice in the header. */
export function readPhrases(file: string): ReadonlyMap<string, readonly (readonly number[])[]> {
  const people = new Map<string, number[][]>()
  for (const line of lines(file).slice(1)) {
    const [subject = '', ...values] = line.split(',')
    const typings = people.get(subject) ?? []
    people.set(subject, typings)
    typings.push(values.map(Number))
  }
  return people
}

export interface MouseFileRecording {
  readonly training: boolean
  readonly user: string
  readonly foreign: boolean
  readonly events: readonly PointerEvent[]
}

export function readMouse(file: string): MouseFileRecording[] {
  return lines(file).map((line) => {
    const raw = JSON.parse(line) as {
      part: string
      user: string
      label: number | null
      dt: readonly number[]
      dx: readonly number[]
      dy: readonly number[]
      c: readonly number[]
    }
    let [at, x, y] = [0, 0, 0]
    const events = raw.dt.map((dt, i) => {
      at += dt
      x += raw.dx[i] ?? 0
      y += raw.dy[i] ?? 0
      const kind = raw.c[i] ?? 0
      return { at, x, y, button: Math.floor(kind / 8), state: kind % 8 }
    })
    return { training: raw.part === 'train', user: raw.user, foreign: raw.label === 1, events }
  })
}
