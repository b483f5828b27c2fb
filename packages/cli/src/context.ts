/**
 * What every verb gets: where the data is, how to speak, how to reach the daemon.
 * @module
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  SafeconductError,
} from '@safeconduct/protocol'
import type { ControlClient } from './client/control-client.ts'
import { ensureDaemon, findDaemon } from './client/daemon.ts'
import { createOutput, type Output, plain } from './output.ts'

export interface VerbContext {
  readonly data: string
  readonly output: Output
  /**
   * The running daemon, else a new one in the background. On a directory that holds no data of ours one is started
   * only by a verb that begins something there: a slip of the pen makes no data directory.
   * @throws `invalid_request` where there is nothing to read
   */
  daemon(how?: { readonly begins: boolean }): Promise<ControlClient>
  /** The running daemon; null when none runs, and none is started. */
  running(): Promise<ControlClient | null>
}

export function verbContext(options: { readonly data: string; readonly json: boolean }): VerbContext {
  const output = createOutput(options.json)
  return {
    data: options.data,
    output,
    running: () => findDaemon(options.data),
    daemon: ({ begins } = { begins: false }) => {
      if (!begins) requireOurs(options.data)
      return ensureDaemon(options.data, {
        tell: (text) => process.stderr.write(`${text}\n`),
        person: process.stderr.isTTY === true,
      })
    },
  }
}

/** What a data directory has from its first start on. */
const OURS = ['keys/root.key', 'holder.json', 'control.sock']

function requireOurs(data: string): void {
  if (OURS.some((name) => existsSync(path.join(path.resolve(data), name)))) return
  throw new SafeconductError('invalid_request', {
    message: `There are no Safeconduct data in ${path.resolve(data)}. Start there first: npm start, or ./safeconduct up --data ${data}`,
  })
}

/** Members of an answer, read with their types: the daemon may be of another version. */
export function text(value: JsonObject, member: string): string {
  const found = value[member]
  return typeof found === 'string' ? found : found === null || found === undefined ? '' : String(found)
}

export function number(value: JsonObject, member: string): number {
  const found = value[member]
  return typeof found === 'number' ? found : 0
}

export function list(value: JsonObject, member: string): JsonObject[] {
  const found: JsonValue | undefined = value[member]
  return found !== undefined && isJsonArray(found as JsonValue)
    ? (found as readonly JsonValue[]).filter(isJsonObject)
    : []
}

export function texts(value: JsonObject, member: string): string[] {
  const found = value[member]
  if (found === undefined || !isJsonArray(found)) return []
  return found.filter((item) => typeof item === 'string')
}

export function object(value: JsonObject, member: string): JsonObject {
  const found = value[member]
  return isJsonObject(found) ? found : {}
}

const POLL_MS = 500

/**
 * Sends a change that may need the owner: when the daemon answers that the owner must confirm it in the browser,
 * waits until that happened, was refused, or expired.
 */
export async function withOwner(client: ControlClient, path: string, body: object): Promise<JsonObject> {
  const answer = await client.post(path, body)
  const asked = answer.request
  if (!isJsonObject(asked)) return answer
  const id = text(asked, 'id')
  const minutes = Math.max(1, Math.round((number(asked, 'expiresAt') - Date.now()) / 60_000))
  const { url } = await client.get('/api/v1/status')
  process.stderr.write(
    `Waiting for the owner to confirm: ${plain(text(asked, 'summary'))}\nOn the live page, ${plain(String(url))}, within ${minutes} minutes; Ctrl-C stops waiting, not the question.\n`,
  )
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    const request = await client.get(`/api/v1/owner-requests/${id}`)
    const status = text(request, 'status')
    if (status === 'pending' || (status === 'confirmed' && request.result === null)) continue
    if (status === 'refused')
      throw new SafeconductError('forbidden', { message: 'The owner refused it in the browser.' })
    if (status === 'expired')
      throw new SafeconductError('expired', { message: 'Nobody confirmed it in time.' })
    const result = object(request, 'result')
    if (typeof result.error === 'string')
      throw new SafeconductError('conflict', { message: text(result, 'message') })
    return result
  }
}
