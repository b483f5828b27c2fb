/**
 * Errors of this package.
 *
 * One class and one closed union of codes. Nothing here ever carries a value of a request: messages name types,
 * attributes, policy ids and entity uids only.
 *
 * @module
 */

export type CedarErrorCode =
  | 'policy_syntax'
  | 'policy_invalid'
  | 'policy_duplicate_id'
  | 'template_link'
  | 'schema_invalid'
  | 'schema_required'
  | 'entity_invalid'
  | 'entity_duplicate'
  | 'entity_cycle'
  | 'request_invalid'
  | 'value_invalid'
  | 'json_invalid'
  | 'limit_exceeded'
  | 'not_translatable'
  | 'oracle_failed'

/** A place in the given text: UTF-16 offset from 0, line and column from 1. */
export interface Position {
  readonly offset: number
  readonly line: number
  readonly column: number
}

/** One finding of the parser or the validator, with the hint ("did you mean …") it gave. */
export interface Problem {
  readonly code: CedarErrorCode
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly help?: string
  readonly policyId?: string
  readonly start?: Position
  readonly end?: Position
}

export class CedarError extends Error {
  override readonly name = 'CedarError'
  readonly code: CedarErrorCode
  /** Everything found, the first being the one in `message`. Empty when the message says it all. */
  readonly problems: readonly Problem[]

  constructor(code: CedarErrorCode, message: string, problems: readonly Problem[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.problems = problems
  }
}

/** The first problem becomes the message; the position is spelled out because a log line has no editor beside it. */
export function errorOf(problems: readonly Problem[]): CedarError {
  const first = problems.find((problem) => problem.severity === 'error') ?? problems[0]
  if (first === undefined) return new CedarError('policy_invalid', 'invalid policies')
  const where = first.start === undefined ? '' : ` at ${first.start.line}:${first.start.column}`
  const help = first.help === undefined ? '' : ` (${first.help})`
  return new CedarError(first.code, `${first.message}${where}${help}`, problems)
}
