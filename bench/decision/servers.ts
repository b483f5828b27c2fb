/**
 * Whole evaluations over HTTP: our daemon and a Cerbos server, asked the same questions in worlds of three sizes.
 * @module
 */
import { mkdtempSync } from 'node:fs'
import path from 'node:path'
import { startAuthzen } from './authzen.ts'
import { startCerbos } from './cerbos.ts'
import { measureHttp, type Target } from './http.ts'
import type { Peers, Skipped } from './peers.ts'
import type { HttpSize } from './report.ts'
import { type Scenario, scenario } from './scenario.ts'

/** A policy store takes 100,000 entities; with people, agents and folders that is this many resources at most. */
const SIZES = [1_000, 10_000, 80_000] as const

export interface ServersReport {
  readonly sizes: readonly HttpSize[]
  readonly skipped: readonly Skipped[]
}

/** `directory` is the caller's, who removes it. */
export async function measureServers(
  peers: Peers,
  directory: string,
  progress: (text: string) => void,
): Promise<ServersReport> {
  const skipped: Skipped[] = []
  const sizes: HttpSize[] = []
  for (const resources of SIZES) {
    progress(`servers over HTTP, ${resources} resources`)
    const world = scenario(resources)
    const targets: Target[] = []
    try {
      targets.push(...(await startAuthzen(mkdtempSync(path.join(directory, 'daemon-')), resources)))
      const cerbos = await cerbosOrReason(peers, directory, world)
      if ('why' in cerbos) {
        if (skipped.length === 0) skipped.push(cerbos)
      } else targets.push(cerbos)
      sizes.push({ resources, rows: await measureHttp(targets, world.questions, world.allowed) })
    } finally {
      await Promise.all(targets.map((target) => target.stop()))
    }
  }
  return { sizes, skipped }
}

async function cerbosOrReason(peers: Peers, directory: string, world: Scenario): Promise<Target | Skipped> {
  const what = 'Cerbos server'
  const program = peers.file('@cerbos/cerbos-linux-x64', 'cerbos-linux-x64')
  if (program === null) {
    return { what, why: peers.problem ?? `there is no build of it for ${process.platform} ${process.arch}` }
  }
  try {
    return await startCerbos(program, mkdtempSync(path.join(directory, 'cerbos-')), world.kinds)
  } catch (error) {
    return { what, why: error instanceof Error ? error.message : String(error) }
  }
}
