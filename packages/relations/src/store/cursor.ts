/**
 * Cursors: where a listing goes on, bound to the store, the model and the question.
 *
 * A cursor decides nothing but a position: every page is checked again, so a forged one gains nothing.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { RelationsError } from '../errors.ts'

export interface Binding {
  readonly store: string
  readonly model: string
  /** Everything that the question consists of. */
  readonly question: string
}

/** `after`: the last object of the page before, by number for stored ones, by name for contextual ones. */
export interface Place {
  readonly after: number | string
  readonly listing: string
}

export const bindingOf = (store: string, model: string, question: unknown): Binding => ({
  store,
  model,
  question: createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 22),
})

export function writeCursor({ store, model, question }: Binding, { after, listing }: Place): string {
  return Buffer.from(JSON.stringify([1, store, model, question, after, listing])).toString('base64url')
}

/** @throws RelationsError `cursor_invalid`, saying what the cursor belongs to instead. */
export function readCursor(text: string, binding: Binding): Place {
  const wrong = (what: string) =>
    new RelationsError('cursor_invalid', `this cursor belongs to another ${what}`)
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(String(text).slice(0, 4096), 'base64url').toString('utf8'))
  } catch (cause) {
    throw new RelationsError('cursor_invalid', 'this is not a cursor', [], cause)
  }
  if (!Array.isArray(parts) || parts.length !== 6 || parts[0] !== 1)
    throw new RelationsError('cursor_invalid', 'this is not a cursor')
  const [, store, model, question, after, listing]: unknown[] = parts
  if (store !== binding.store) throw wrong('store')
  if (model !== binding.model) throw wrong('model')
  if (question !== binding.question) throw wrong('question')
  const position = typeof after === 'string' || Number.isSafeInteger(after)
  if (!position || typeof listing !== 'string')
    throw new RelationsError('cursor_invalid', 'this is not a cursor')
  return { after: typeof after === 'string' ? after : Number(after), listing }
}
