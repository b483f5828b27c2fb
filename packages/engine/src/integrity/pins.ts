/**
 * Tool definitions are pinned by digest at first listing. What changed, what wears the name of another server's tool,
 * and what came back under a new name is quarantined until a person approves it. Pure.
 * @module
 */
import { createHash } from 'node:crypto'
import { canonicalize, isJsonObject, type JsonObject, type PinnedTool } from '@safeconduct/protocol'
import { badName, nameSkeleton } from './names.ts'

/** Tools of one server that are looked at in a listing; the rest is not pinned and so cannot be called. */
export const MAX_TOOLS_PER_SERVER = 512
/** Pins kept of one server: one that lists new names again and again gets no more of them pinned, so none can be called. */
export const MAX_PINS_PER_SERVER = 2048
/** UTF-16 units of a name; a longer one is not pinned at all. */
const MAX_PINNED_NAME = 256
/** Bytes of one canonical definition; a larger one is quarantined without being kept. */
export const MAX_DEFINITION_BYTES = 65_536

export interface Listing {
  readonly tenant: string
  readonly server: string
  readonly at: number
  readonly definitions: readonly JsonObject[]
}

export interface Pinning {
  /** Pins to be stored: `version` 1 = new, above = replaces the one before. In listing order. */
  readonly changed: readonly PinnedTool[]
  /** Pin by tool name, after the changes, for the definitions of this listing. */
  readonly pins: ReadonlyMap<string, PinnedTool>
}

/** `known`: every pin of the tenant, of other servers, too: shadowing crosses servers. */
export function pinTools(known: Iterable<PinnedTool>, listing: Listing): Pinning {
  const all = new Map<string, PinnedTool>()
  const owners = new Map<string, PinnedTool>()
  const digests = new Map<string, PinnedTool>()
  let kept = 0
  for (const pin of known) {
    all.set(pin.id, pin)
    if (!owners.has(nameSkeleton(pin.name))) owners.set(nameSkeleton(pin.name), pin)
    if (pin.server !== listing.server) continue
    digests.set(bareDigest(pin.definition), pin)
    kept++
  }
  const listed = new Set(listing.definitions.map(nameOf))
  const changed: PinnedTool[] = []
  const pins = new Map<string, PinnedTool>()
  for (const definition of listing.definitions.slice(0, MAX_TOOLS_PER_SERVER)) {
    const name = nameOf(definition)
    if (pins.has(name)) continue
    const before = all.get(toolId(listing.server, name))
    if (before === undefined && (name.length > MAX_PINNED_NAME || kept++ >= MAX_PINS_PER_SERVER)) continue
    const pin =
      before === undefined
        ? firstPin(listing, name, definition, { owners, digests, listed })
        : nextPin(before, definition)
    if (pin !== before) changed.push(pin)
    pins.set(name, pin)
    owners.set(nameSkeleton(name), owners.get(nameSkeleton(name)) ?? pin)
  }
  return { changed, pins }
}

export function toolId(server: string, name: string): string {
  return `${server}/${name}`
}

/** The name as listed; a definition without one gets an empty name and is quarantined for it. */
export function nameOf(definition: JsonObject): string {
  return typeof definition.name === 'string' ? definition.name : ''
}

interface Neighbours {
  readonly owners: ReadonlyMap<string, PinnedTool>
  readonly digests: ReadonlyMap<string, PinnedTool>
  readonly listed: ReadonlySet<string>
}

function firstPin(listing: Listing, name: string, definition: JsonObject, near: Neighbours): PinnedTool {
  const kept = keep(definition)
  const reason =
    kept.reason ?? badName(name) ?? shadows(listing, name, near) ?? renamed(name, definition, near)
  return {
    tenant: listing.tenant,
    id: toolId(listing.server, name),
    version: 1,
    server: listing.server,
    name,
    digest: kept.digest,
    definition: kept.definition,
    status: reason === null ? 'active' : 'quarantined',
    reason,
    proposed: reason === null ? null : kept.definition,
    proposedDigest: reason === null ? null : kept.digest,
    firstSeen: listing.at,
  }
}

/** The same pin when nothing changed. The approved definition stays; the new one waits beside it. */
function nextPin(before: PinnedTool, definition: JsonObject): PinnedTool {
  const kept = keep(definition)
  if (kept.digest === (before.proposedDigest ?? before.digest)) return before
  if (kept.digest === before.digest && before.status === 'quarantined' && before.reason === CHANGED) {
    // Back to what was approved: still a tool that changes under our eyes, so a person has to look.
    return { ...before, version: before.version + 1, proposed: kept.definition, proposedDigest: kept.digest }
  }
  return {
    ...before,
    version: before.version + 1,
    status: 'quarantined',
    reason: kept.reason ?? (before.status === 'quarantined' ? before.reason : CHANGED),
    proposed: kept.definition,
    proposedDigest: kept.digest,
  }
}

const CHANGED = 'The definition of the tool changed since it was approved.'

function shadows(listing: Listing, name: string, near: Neighbours): string | null {
  const owner = near.owners.get(nameSkeleton(name))
  if (owner === undefined || owner.id === toolId(listing.server, name)) return null
  if (owner.server === listing.server)
    return 'The name of the tool can be confused with another tool of the server.'
  return `The name of the tool is that of a tool of the server ${owner.server}, or can be confused with it.`
}

/** The same definition under another name while the old name is gone: a person decided on the old one only. */
function renamed(name: string, definition: JsonObject, near: Neighbours): string | null {
  const before = near.digests.get(bareDigest(definition))
  if (before === undefined || before.name === name || near.listed.has(before.name)) return null
  return 'The tool has the definition of one that was known under another name.'
}

function keep(definition: JsonObject): { definition: JsonObject; digest: string; reason: string | null } {
  let text: string
  try {
    text = canonicalize(definition)
  } catch {
    // Nested too deeply or not Unicode: nothing of it is kept, so all such definitions count as one.
    return {
      definition: {},
      digest: digestOf('unreadable'),
      reason: 'The definition of the tool cannot be read.',
    }
  }
  const digest = digestOf(text)
  if (Buffer.byteLength(text) > MAX_DEFINITION_BYTES) {
    return { definition: {}, digest, reason: 'The definition of the tool is larger than allowed.' }
  }
  const schema = definition.inputSchema
  if (schema !== undefined && !isJsonObject(schema)) {
    return { definition, digest, reason: 'The input schema of the tool is not an object.' }
  }
  return { definition, digest, reason: null }
}

/** Digest without the name and what is only shown: equal for a tool that was merely renamed. */
function bareDigest(definition: JsonObject): string {
  const { name: _name, title: _title, annotations: _annotations, ...rest } = definition
  try {
    return digestOf(canonicalize(rest))
  } catch {
    return digestOf('unreadable')
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
