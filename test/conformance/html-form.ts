/**
 * @module Just enough HTML for a scripted browser: the forms of a page, and what submitting one sends. Reads pages of
 * servers under test, so it is tolerant, and it is no sanitiser.
 */

export interface Control {
  readonly kind: 'text' | 'choice' | 'select'
  readonly name: string
  readonly value: string
  /** For a checkbox or radio button: whether the page has it ticked. */
  readonly ticked: boolean
}

export interface Button {
  readonly name: string | undefined
  readonly value: string
  readonly label: string
}

export interface Form {
  readonly action: string
  readonly method: 'get' | 'post'
  readonly controls: readonly Control[]
  readonly buttons: readonly Button[]
}

/** Values to fill in, by control name. For boxes and radio buttons: the value(s) to tick; `[]` ticks none. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

type Attributes = ReadonlyMap<string, string>

const TAG = /<(\/?)([a-z][a-z0-9-]*)((?:"[^"]*"|'[^']*'|[^'">])*)>/gi
const ATTRIBUTE = /([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The forms of a page, in order. Comments, scripts and styles are ignored. */
export function parseForms(html: string): readonly Form[] {
  const visible = html.replace(/<!--[\s\S]*?-->|<(script|style)\b[\s\S]*?<\/\1\s*>/gi, '')
  return [...visible.matchAll(/<form\b((?:"[^"]*"|'[^']*'|[^'">])*)>([\s\S]*?)<\/form\s*>/gi)].map(
    ([, attributes = '', body = '']) => parseForm(readAttributes(attributes), body),
  )
}

function parseForm(attributes: Attributes, body: string): Form {
  const controls: Control[] = []
  const buttons: Button[] = []
  for (const tag of body.matchAll(TAG)) {
    const [whole, closing = '', name = '', raw = ''] = tag
    if (closing !== '') continue
    const own = readAttributes(raw)
    if (own.has('disabled')) continue
    const content = body.slice(tag.index + whole.length)
    readElement(name.toLowerCase(), own, content, controls, buttons)
  }
  return {
    action: attributes.get('action') ?? '',
    method: attributes.get('method')?.toLowerCase() === 'post' ? 'post' : 'get',
    controls,
    buttons,
  }
}

function readElement(
  tag: string,
  own: Attributes,
  rest: string,
  controls: Control[],
  buttons: Button[],
): void {
  const name = own.get('name')
  const value = own.get('value') ?? ''
  const type = (own.get('type') ?? '').toLowerCase()
  if (tag === 'button' && (type === '' || type === 'submit'))
    buttons.push({ name, value, label: inner(rest, 'button') })
  else if (tag === 'input' && (type === 'submit' || type === 'image'))
    buttons.push({ name, value, label: value })
  else if (name === undefined) return
  else if (tag === 'textarea')
    controls.push({ kind: 'text', name, value: inner(rest, 'textarea'), ticked: false })
  else if (tag === 'select') controls.push({ kind: 'select', name, value: selected(rest), ticked: false })
  else if (tag === 'input' && (type === 'checkbox' || type === 'radio'))
    controls.push({
      kind: 'choice',
      name,
      value: own.has('value') ? value : 'on',
      ticked: own.has('checked'),
    })
  else if (tag === 'input' && type !== 'button' && type !== 'reset' && type !== 'file')
    controls.push({ kind: 'text', name, value, ticked: false })
}

function selected(rest: string): string {
  const body = rest.slice(0, Math.max(0, rest.search(/<\/select/i)))
  const options = [...body.matchAll(/<option\b([^>]*)>([^<]*)/gi)].map(([, raw = '', label = '']) => {
    const own = readAttributes(raw)
    return { value: own.get('value') ?? decode(label.trim()), chosen: own.has('selected') }
  })
  return (options.find((option) => option.chosen) ?? options[0])?.value ?? ''
}

function inner(rest: string, tag: string): string {
  const end = rest.search(new RegExp(`</${tag}`, 'i'))
  return decode(rest.slice(0, end === -1 ? 0 : end).replace(TAG, '')).trim()
}

function readAttributes(raw: string): Attributes {
  return new Map(
    [...raw.matchAll(ATTRIBUTE)].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      decode(double ?? single ?? bare ?? ''),
    ]),
  )
}

function decode(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, code: string) => {
    if (/^#x/i.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(2), 16))
    if (code.startsWith('#')) return String.fromCodePoint(Number(code.slice(1)))
    return ENTITIES[code.toLowerCase()] ?? whole
  })
}

/** The button a person who looks for one of `press` would press; without a match, the first one. */
export function chooseButton(form: Form, press: readonly string[]): Button | undefined {
  return form.buttons.find((button) => matches(button, press)) ?? form.buttons[0]
}

/** The form to submit: one with a wanted button, else one with a field we can fill, else the first. */
export function chooseForm(
  forms: readonly Form[],
  fields: Fields,
  press: readonly string[],
): Form | undefined {
  return (
    forms.find((form) => form.buttons.some((button) => matches(button, press))) ??
    forms.find((form) => form.controls.some((control) => Object.hasOwn(fields, control.name))) ??
    forms[0]
  )
}

function matches(button: Button, press: readonly string[]): boolean {
  const says = [button.label, button.value, `${button.name ?? ''}=${button.value}`].map((word) =>
    word.toLowerCase(),
  )
  return press.some((wanted) => says.includes(wanted.toLowerCase()))
}

/** What the form sends: the page's own values, overridden by `fields`, and the pressed button. */
export function fillForm(form: Form, fields: Fields, pressed: Button | undefined): URLSearchParams {
  const sent = new URLSearchParams()
  for (const { kind, name, value, ticked } of form.controls) {
    const given = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (kind === 'choice') {
      if (given === undefined ? ticked : [given].flat().includes(value)) sent.append(name, value)
    } else sent.append(name, given === undefined ? value : ([given].flat()[0] ?? ''))
  }
  if (pressed?.name !== undefined) sent.append(pressed.name, pressed.value)
  return sent
}
