/**
 * Errors of this package: one class, one closed union of codes.
 *
 * Messages name types, relations and ids that the caller sent; they never carry condition context values.
 *
 * @module
 */

export type RelationsErrorCode =
  | 'model_syntax'
  | 'model_invalid'
  | 'model_not_found'
  | 'model_quarantined'
  | 'validation'
  | 'type_not_found'
  | 'relation_not_found'
  | 'invalid_tuple'
  | 'write_conflict'
  | 'resolution_too_complex'
  | 'cursor_invalid'
  | 'revision_invalid'
  | 'limit_exceeded'
  | 'snapshot_corrupt'
  | 'snapshot_foreign'

/** A place in a model's text: line and column from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** One finding in a model, with the nearest known name when there is one. */
export interface Problem {
  readonly message: string
  readonly position?: Position
  readonly didYouMean?: string
}

/** What OpenFGA answers for the same failure (`ErrorCode` of its API, as its own test suite shows them). */
const OPENFGA_NUMBER: Partial<Record<RelationsErrorCode, number>> = {
  validation: 2000,
  resolution_too_complex: 2002,
  type_not_found: 2021,
  relation_not_found: 2022,
  invalid_tuple: 2027,
}

export class RelationsError extends Error {
  override readonly name = 'RelationsError'
  readonly code: RelationsErrorCode
  /** Everything found in a model, the first being the one in `message`. Empty otherwise. */
  readonly problems: readonly Problem[]

  constructor(code: RelationsErrorCode, message: string, problems: readonly Problem[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.problems = problems
  }

  /** The number OpenFGA gives this failure; undefined where its suite shows none. */
  get openfgaCode(): number | undefined {
    return OPENFGA_NUMBER[this.code]
  }
}

/** The first problem becomes the message; the position is spelled out because a log line has no editor beside it. */
export function modelError(
  code: 'model_syntax' | 'model_invalid',
  problems: readonly Problem[],
  cause?: unknown,
): RelationsError {
  const first = problems[0]
  if (first === undefined) return new RelationsError(code, 'the model is not valid')
  const where = first.position === undefined ? '' : ` at ${first.position.line}:${first.position.column}`
  const hint = first.didYouMean === undefined ? '' : ` (did you mean \`${first.didYouMean}\`?)`
  return new RelationsError(code, `${first.message}${where}${hint}`, problems, cause)
}
