/**
 * As much of a browser as the live page uses, so that its script runs against the real control plane where there is no
 * browser: nodes with text and children, the owner's cookie on every request, the event stream.
 */
import { readFileSync } from 'node:fs'
import { type Context, createContext, runInContext } from 'node:vm'
import type { World } from './world.ts'

const ASSETS = new URL('../../packages/server/src/live/assets/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, ASSETS), 'utf8')

type Listener = (event: object) => unknown

export class Node {
  readonly tag: string
  readonly attributes = new Map<string, string>()
  readonly listeners = new Map<string, Listener>()
  id = ''
  className = ''
  hidden = false
  disabled = false
  open = false
  value: unknown = ''
  parent: Node | null = null
  parts: (Node | string)[] = []

  constructor(tag: string) {
    this.tag = tag
  }

  get children(): Node[] {
    return this.parts.filter((part) => part instanceof Node)
  }

  get lastElementChild(): Node | undefined {
    return this.children.at(-1)
  }

  get textContent(): string {
    return this.parts.map((part) => (part instanceof Node ? part.textContent : part)).join('')
  }

  set textContent(text: string) {
    this.parts = [String(text)]
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes.set(name, String(value))
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, listener)
  }

  append(...parts: (Node | string)[]): void {
    this.parts.push(...parts.map((part) => this.#take(part)))
  }

  prepend(...parts: (Node | string)[]): void {
    this.parts.unshift(...parts.map((part) => this.#take(part)))
  }

  replaceChildren(...parts: (Node | string)[]): void {
    this.parts = []
    this.append(...parts)
  }

  remove(): void {
    if (this.parent !== null) this.parent.parts = this.parent.parts.filter((part) => part !== this)
  }

  showModal(): void {
    this.open = true
  }

  #take(part: Node | string): Node | string {
    if (part instanceof Node) part.parent = this
    return part
  }

  /** This and everything below it. */
  *all(): Iterable<Node> {
    yield this
    for (const child of this.children) yield* child.all()
  }

  /** A press of the one button below this with that label; resolves when its work is done. */
  async press(label: string): Promise<void> {
    const buttons = [...this.all()].filter((node) => node.tag === 'button' && node.textContent === label)
    const [button] = buttons
    if (button === undefined || buttons.length > 1) throw new Error(`${buttons.length} buttons say ${label}`)
    await button.listeners.get('click')?.({})
  }
}

export interface Page {
  node(id: string): Node
  /** Waits until the page looks like this. */
  until(done: () => boolean): Promise<void>
  readonly title: string
  close(): void
}

/** Runs the page's script as its browser would, signed in or not. */
export function openPage(world: World, who: 'owner' | 'anonymous', pathname = '/'): Page {
  const ids = new Map<string, Node>()
  for (const [tag, name = ''] of read('index.html').matchAll(/<([a-z0-9]+)\b[^>]*\bid="[^"]+"[^>]*>/g)) {
    const node = new Node(name)
    node.id = /\bid="([^"]+)"/.exec(tag)?.[1] ?? ''
    node.hidden = / hidden\b/.test(tag)
    ids.set(node.id, node)
  }
  const find = (id: string) =>
    [...ids.values()].flatMap((node) => [...node.all()]).find((node) => node.id === id)
  const document = {
    title: '',
    body: new Node('body'),
    getElementById: (id: string) => find(id) ?? null,
    createElement: (name: string) => new Node(name),
    querySelector: (selector: string) => {
      const [id = '', name = ''] = selector.split(' ')
      const inside = [...(find(id.slice(1))?.all() ?? [])]
      return inside.find((node) => node.className === name.slice(1)) ?? null
    },
  }
  const sources: { close(): void }[] = []
  const globals: Context = createContext({
    document,
    location: { pathname },
    CSS: { escape: (text: string) => text },
    confirm: () => true,
    setTimeout: () => 0,
    clearTimeout: () => undefined,
    setInterval: () => 0,
    fetch: async (path: string, init: RequestInit = {}) => {
      const asked = {
        headers: init.headers as Record<string, string>,
        ...(typeof init.body === 'string' ? { raw: init.body } : {}),
      }
      // The page sends the token itself; what this world would add must not stand in for it.
      const headers = { ...(who === 'owner' ? { cookie: world.session.cookie } : {}), ...asked.headers }
      const answer = await world.ask('anonymous', init.method ?? 'GET', path, { ...asked, headers })
      return new Response(answer.text, { status: answer.status })
    },
    EventSource: eventSource(world, (source) => sources.push(source)),
  })
  runInContext(read('live.js'), globals, { filename: 'live.js' })
  return {
    node(id) {
      const node = find(id)
      if (node === undefined) throw new Error(`the page has no ${id}`)
      return node
    },
    async until(done) {
      while (!done()) await new Promise(setImmediate)
    },
    get title() {
      return document.title
    },
    close() {
      for (const source of sources) source.close()
    },
  }
}

/** Reads the stream as browsers do (WHATWG HTML §9.2.6), without trying again. */
function eventSource(world: World, opened: (source: { close(): void }) => void) {
  return class {
    static readonly CLOSED = 2
    readyState = 0
    onopen: () => void = () => undefined
    onerror: () => void = () => undefined
    readonly #listeners = new Map<string, (event: { data: string }) => void>()
    #close: () => void = () => undefined

    constructor(path: string) {
      opened(this)
      void this.#read(path)
    }

    addEventListener(type: string, listener: (event: { data: string }) => void): void {
      this.#listeners.set(type, listener)
    }

    close(): void {
      this.#close()
    }

    async #read(path: string): Promise<void> {
      const response = await world.open('owner', 'GET', path)
      this.#close = () => response.destroy()
      this.onopen()
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        const frames = text.split('\n\n')
        text = frames.pop() ?? ''
        for (const frame of frames) {
          const [, type = '', data = ''] = /^event: (.*)\ndata: (.*)$/s.exec(frame) ?? []
          this.#listeners.get(type)?.({ data })
        }
      })
      response.on('error', () => undefined)
      response.on('close', () => {
        this.readyState = 2
        this.onerror()
      })
    }
  }
}
