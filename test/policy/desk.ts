/**
 * The trading desk with its daemon in this process, the owner signed in, the trader sent off, and the command line as a
 * person would use it.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { readConfig } from '@safeconduct/protocol'
import { type Daemon, seedDesk, startDaemon } from 'safeconduct'
import { type Setup, sendTrader, type Trader } from '../../examples/trading-desk/agent.ts'
import { type OwnerAtPage, signInOwner } from '../../examples/trading-desk/owner.ts'
import { MAIN } from '../cli/daemon.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Desk {
  readonly daemon: Daemon
  readonly owner: OwnerAtPage
  readonly trader: Trader
  readonly folder: string
  /** A verb of the command line. */
  run(...args: string[]): Promise<Ran>
  /** The same with `--json`. */
  json<T>(...args: string[]): Promise<T>
  /** A verb that waits until the owner, who does so, confirms it in the browser. */
  confirmed<T>(...args: string[]): Promise<T>
  /** A folder with policies of one layer. */
  policies(name: string, agent: string): string
  close(): Promise<void>
}

export async function openDesk(settings: Readonly<Record<string, string>> = {}): Promise<Desk> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-policy-'))
  const data = path.join(folder, 'd')
  // A day in seconds: what came back well is learned at once.
  const daemon = await startDaemon(
    readConfig({
      SAFECONDUCT_DATA: data,
      SAFECONDUCT_PORT: '0',
      SAFECONDUCT_CONTEST_WINDOW: '0',
      ...settings,
    }),
  )
  const children = new Set<ChildProcess>()
  let trader: Trader | null = null
  /** Whatever happened before: a verb that still waits for the owner, the daemon, the folder. */
  async function close(): Promise<void> {
    for (const child of children) child.kill('SIGKILL')
    try {
      await trader?.close().catch(() => undefined)
      await daemon.close()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  try {
    const seed = await seedDesk(daemon)
    const owner = await signInOwner(daemon.url, daemon.signInLink())
    trader = await sendTrader(seed.setup as Setup)
    return deskOf({ daemon, owner, trader, folder, data, children, close })
  } catch (error) {
    await close()
    throw error
  }
}

function deskOf(
  open: Pick<Desk, 'daemon' | 'owner' | 'trader' | 'folder' | 'close'> & {
    readonly data: string
    readonly children: Set<ChildProcess>
  },
): Desk {
  const { daemon, owner, trader, folder, data, children, close } = open

  async function run(...args: string[]): Promise<Ran> {
    const child = spawn(process.execPath, ['--conditions=safeconduct-src', MAIN, '--data', data, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
    void exit.then(() => children.delete(child))
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: await exit, out, err }
  }

  async function json<T>(...args: string[]): Promise<T> {
    const { out, err } = await run('--json', ...args)
    if (out === '') throw new Error(`no answer: ${err}`)
    const answer = JSON.parse(out)
    if (typeof answer.error === 'string') throw new Error(out)
    return answer
  }

  return {
    daemon,
    owner,
    trader,
    folder,
    run,
    json,
    async confirmed(...args) {
      const answer = json<never>(...args)
      const ended = answer.then(
        () => true,
        () => true,
      )
      for (let done = false; !done; ) {
        const { requests } = await owner.get<{ requests: { id: string }[] }>('/api/v1/owner-requests')
        for (const { id } of requests)
          await owner.post(`/api/v1/owner-requests/${id}/decide`, { confirm: true })
        done = await Promise.race([
          ended,
          new Promise<false>((resolve) => setTimeout(() => resolve(false), 50)),
        ])
      }
      return answer
    },
    policies(name, agent) {
      const target = path.join(folder, name)
      mkdirSync(target)
      writeFileSync(path.join(target, 'agent.cedar'), agent)
      return target
    },
    close,
  }
}
