/**
 * The scenario for a Cerbos server, started on loopback with its policies on disk. It keeps no facts, so everything
 * about the agent and the resource goes with each question; telemetry, audit and access logs are off.
 * @module
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { closeServer, listenOnLoopback } from '../lib/loopback.ts'
import type { Target } from './http.ts'
import type { Question } from './scenario.ts'

const START_MS = 30_000
/** Ticks of `/proc/<pid>/stat` on every Linux that Node supports. */
const MICROS_A_TICK = 10_000

/** @throws when it does not start; owned by the caller, who calls `stop` */
export async function startCerbos(
  program: string,
  directory: string,
  kinds: readonly string[],
): Promise<Target> {
  const policies = path.join(directory, 'policies')
  mkdirSync(policies, { recursive: true })
  for (const kind of kinds)
    writeFileSync(path.join(policies, `${kind}.json`), JSON.stringify(resourcePolicy(kind)))
  const port = await freePort()
  const grpcPort = await freePort()
  const config = path.join(directory, 'cerbos.json')
  writeFileSync(
    config,
    JSON.stringify({
      server: {
        httpListenAddr: `127.0.0.1:${port}`,
        grpcListenAddr: `127.0.0.1:${grpcPort}`,
        metricsEnabled: false,
      },
      storage: { driver: 'disk', disk: { directory: policies, watchForChanges: false } },
      telemetry: { disabled: true },
      audit: { enabled: false },
    }),
  )
  const child = spawn(program, ['server', `--config=${config}`, '--log-level=error'], {
    cwd: directory,
    env: { CERBOS_NO_TELEMETRY: '1' },
    stdio: ['ignore', 2, 2],
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    kill()
    await exited
    process.off('exit', kill)
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await healthy(url, child)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    name: 'Cerbos server, /api/check/resources',
    url: `${url}/api/check/resources`,
    headers: {},
    body: checkBody,
    allowed: (text, question) => text.includes(`"${question.action}":"EFFECT_ALLOW"`),
    cpuMicros: async () => ticksOf(child.pid) * MICROS_A_TICK,
    stop,
  }
}

async function healthy(url: string, child: { readonly exitCode: number | null }): Promise<void> {
  const until = Date.now() + START_MS
  while (Date.now() < until && child.exitCode === null) {
    try {
      const response = await fetch(`${url}/_cerbos/health`)
      await response.text()
      if (response.ok) return
    } catch {
      // Not listening yet.
    }
    await sleep(100)
  }
  throw new Error('the Cerbos server did not start')
}

/** User and system time of a process, all threads. The name in the second field may hold spaces. */
function ticksOf(pid: number | undefined): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

async function freePort(): Promise<number> {
  const server = createServer()
  const { port } = new URL(await listenOnLoopback(server))
  await closeServer(server)
  return Number(port)
}

function checkBody({ agent, action, resource, context }: Question): string {
  const { id, kind, ...attr } = resource
  return JSON.stringify({
    principal: {
      id: agent.id,
      roles: ['agent'],
      attr: {
        owner: agent.owner.id,
        groups: agent.owner.groups,
        company: agent.company,
        managed: agent.device.managed,
        suspended: agent.suspended,
        clearance: agent.clearance,
        context,
      },
    },
    resources: [{ actions: [action], resource: { kind, id, attr } }],
  })
}

/** Four allows and one deny with the ten reasons: what forbids is looked at once. */
function resourcePolicy(kind: string): object {
  const allow = (action: string, ...all: string[]) => ({
    actions: [action],
    effect: 'EFFECT_ALLOW',
    roles: ['agent'],
    condition: { match: { all: { of: all.map((expr) => ({ expr })) } } },
  })
  return {
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: {
      version: 'default',
      resource: kind,
      rules: [
        allow('read', 'R.attr.folder.viewers in P.attr.groups', 'P.attr.context.risk < 60'),
        allow(
          'write',
          'R.attr.folder.editors in P.attr.groups',
          'P.attr.context.risk < 40',
          'P.attr.context.mfaAge < 3600',
          'P.attr.managed',
        ),
        allow(
          'share',
          'R.attr.owner == P.attr.owner',
          'P.attr.context.purpose == "collaboration"',
          '!("secret" in R.attr.labels)',
        ),
        allow(
          'delete',
          'R.attr.owner == P.attr.owner',
          'P.attr.context.signedOff',
          'P.attr.context.depth <= 1',
          'R.attr.folder.zone != "z0"',
        ),
        {
          actions: ['*'],
          effect: 'EFFECT_DENY',
          roles: ['agent'],
          condition: {
            match: {
              any: {
                of: [
                  'P.attr.suspended',
                  'P.attr.context.risk >= 90',
                  'P.attr.context.depth > 3',
                  'P.attr.context.country == "XX"',
                  '"quarantined" in R.attr.labels',
                  'R.attr.company != P.attr.company',
                  '(P.attr.context.hour < 6 || P.attr.context.hour > 22) && "office-hours" in R.attr.labels',
                  'P.attr.context.purpose.contains("exfil")',
                  'R.attr.sensitivity > P.attr.clearance && !P.attr.context.signedOff',
                  'P.attr.context.mfaAge > 86400 && R.attr.sensitivity > 2',
                ].map((expr) => ({ expr })),
              },
            },
          },
        },
      ],
    },
  }
}
