/**
 * What a policy version says about calls beside permitting and forbidding them: which argument names an object of the
 * relation model, how sensitive a tool is and in which zone, and which zones may reach into which. It stands in
 * annotations, so it is part of the text, of its digest and of every version that is tried, kept and rolled back.
 *
 * | annotation | entries, separated by `;` |
 * |---|---|
 * | `@relations` | `docs/get_document: document from args.id`, `docs/mcp:resource: document from uri after docs://` |
 * | `@zones` | `cluster/deploy: production` |
 * | `@sensitivity` | `docs/*: 3` |
 * | `@flows` | `train -> validate: read, write`; `none` is where no zone is set |
 *
 * A pattern is `<server>/<tool>` or `<server>/*`; the exact one wins.
 * @module
 */
import { LABEL_PATTERN, MAX_SENSITIVITY, SafeconductError } from '@safeconduct/protocol'

export interface RelationBinding {
  readonly type: string
  /** Keys from the arguments down; null = the URI of a resource. */
  readonly path: readonly string[] | null
  /** The object's id is what follows this. */
  readonly after: string
}

export type FlowEffect = 'read' | 'write'

export interface Bindings {
  /** By pattern. */
  readonly relations: ReadonlyMap<string, RelationBinding>
  readonly zones: ReadonlyMap<string, string>
  readonly sensitivity: ReadonlyMap<string, number>
  /** `flowKey`s. */
  readonly flows: ReadonlySet<string>
}

export const NO_BINDINGS: Bindings = {
  relations: new Map(),
  zones: new Map(),
  sensitivity: new Map(),
  flows: new Set(),
}

/** Entries of one version. */
const MAX_ENTRIES = 4096

export function flowKey(from: string, to: string, effect: FlowEffect): string {
  return `${from}>${to}:${effect}`
}

/** What is said of a call: of exactly this tool, else of the server. */
export function boundTo<T>(table: ReadonlyMap<string, T>, server: string, name: string): T | undefined {
  return table.size === 0 ? undefined : (table.get(`${server}/${name}`) ?? table.get(`${server}/*`))
}

/** Nothing passes between zones unless a rule says so; within one, and where none is set, everything does. */
export function mayFlow({ flows }: Bindings, from: string, to: string, effect: FlowEffect): boolean {
  return from === to || flows.has(flowKey(from, to, effect))
}

const PATTERN = String.raw`[^\s/;]+/[^\s;]+?`
const RELATION = new RegExp(
  String.raw`^(${PATTERN}):\s+([A-Za-z][\w-]*)\s+from\s+(uri|args(?:\.[^\s.;]+)+)(?:\s+after\s+(\S+))?$`,
)
const VALUE = new RegExp(String.raw`^(${PATTERN}):\s+(\S+)$`)
const FLOW = /^(\S+)\s*->\s*(\S+)\s*:\s*(read|write)(?:\s*,\s*(read|write))?$/

/**
 * @param policies annotations of every policy of the version, both layers
 * @throws {SafeconductError} `policy_invalid`, naming the policy and the entry
 */
export function bindingsOf(
  policies: Iterable<{ readonly id: string; readonly annotations: Readonly<Record<string, string>> }>,
): Bindings {
  const relations = new Map<string, RelationBinding>()
  const zones = new Map<string, string>()
  const sensitivity = new Map<string, number>()
  const flows = new Set<string>()
  let count = 0
  for (const { id, annotations } of policies) {
    const each = (name: string, read: (entry: string) => boolean): void => {
      const text = Object.hasOwn(annotations, name) ? annotations[name] : undefined
      for (const part of (text ?? '').split(/[;\n]/)) {
        const entry = part.trim()
        if (entry === '') continue
        count++
        if (count > MAX_ENTRIES || !read(entry)) throw unreadable(id, name, entry)
      }
    }
    each('relations', (entry) => putRelation(relations, entry))
    each('zones', (entry) => {
      const [, pattern = '', zone = ''] = VALUE.exec(entry) ?? []
      return LABEL_PATTERN.test(zone) && once(zones, pattern, zone)
    })
    each('sensitivity', (entry) => {
      const [, pattern = '', level = ''] = VALUE.exec(entry) ?? []
      return (
        /^\d$/.test(level) && Number(level) <= MAX_SENSITIVITY && once(sensitivity, pattern, Number(level))
      )
    })
    each('flows', (entry) => putFlows(flows, entry))
  }
  return { relations, zones, sensitivity, flows }
}

function putRelation(relations: Map<string, RelationBinding>, entry: string): boolean {
  const [, pattern, type, from, after = ''] = RELATION.exec(entry) ?? []
  if (pattern === undefined || type === undefined || from === undefined) return false
  const path = from === 'uri' ? null : from.split('.').slice(1)
  return once(relations, pattern, { type, path, after })
}

function putFlows(flows: Set<string>, entry: string): boolean {
  const [, from, to, ...effects] = FLOW.exec(entry) ?? []
  const zone = (name: string | undefined): string | null =>
    name === 'none' ? '' : name !== undefined && LABEL_PATTERN.test(name) ? name : null
  const [source, target] = [zone(from), zone(to)]
  if (source === null || target === null) return false
  for (const effect of effects) {
    if (effect === 'read' || effect === 'write') flows.add(flowKey(source, target, effect))
  }
  return true
}

/** The same thing said twice is no contradiction; two things said of one pattern are. */
function once<T>(table: Map<string, T>, pattern: string, value: T): boolean {
  const known = table.get(pattern)
  table.set(pattern, value)
  return known === undefined || JSON.stringify(known) === JSON.stringify(value)
}

function unreadable(id: string, name: string, entry: string): SafeconductError {
  return new SafeconductError('policy_invalid', {
    message: `The annotation @${name} of the policy ${id} cannot be read, or contradicts another one: ${entry.slice(0, 120)}`,
  })
}
