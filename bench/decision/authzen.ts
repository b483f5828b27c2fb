/**
 * The scenario for our own daemon over AuthZEN 1.0. Facts are resident; the second target says them in each question all
 * the same, as an application would that keeps them itself.
 * @module
 */
import { type BenchProcess, startBench } from '../lib/child.ts'
import type { AuthzenInput, AuthzenReady } from './authzen-process.ts'
import type { Target } from './http.ts'
import { SERVER } from './report.ts'
import type { Question } from './scenario.ts'

/** Two targets of one process; whoever stops one stops both. @throws when the daemon does not start */
export async function startAuthzen(data: string, resources: number): Promise<Target[]> {
  const input: AuthzenInput = { data, resources }
  const child: BenchProcess<AuthzenReady> = await startBench(
    new URL('./authzen-process.ts', import.meta.url),
    input,
  )
  const { url, secret } = child.ready
  const target = (name: string, body: (question: Question) => object): Target => ({
    name,
    url: `${url}/access/v1/evaluation`,
    headers: { authorization: `Bearer ${secret}` },
    body: (question) => JSON.stringify(body(question)),
    allowed: (text) => text.startsWith('{"decision":true'),
    cpuMicros: () => child.cpu(),
    stop: () => child.stop(),
  })
  return [target(SERVER.authzen, bare), target(SERVER.authzenTold, told)]
}

function bare({ agent, action, resource, context }: Question): object {
  return {
    subject: { type: 'Agent', id: agent.id },
    action: { name: action },
    resource: { type: resource.kind, id: resource.id },
    context,
  }
}

function told(question: Question): object {
  const { agent, action, resource, context } = question
  return {
    subject: {
      type: 'Agent',
      id: agent.id,
      properties: {
        owner: { type: 'User', id: agent.owner.id },
        company: { type: 'Company', id: agent.company },
        device: { type: 'Device', id: agent.device.id },
        suspended: agent.suspended,
        clearance: agent.clearance,
      },
    },
    action: { name: action },
    resource: {
      type: resource.kind,
      id: resource.id,
      properties: {
        owner: { type: 'User', id: resource.owner },
        folder: { type: 'Folder', id: resource.folder.id },
        company: { type: 'Company', id: resource.company },
        sensitivity: resource.sensitivity,
        labels: resource.labels,
      },
    },
    context,
  }
}
