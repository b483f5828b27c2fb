/**
 * What a check refused, as plain data and back: between threads an error would lose its class.
 * @module
 */
import { ERROR_TABLE, type ErrorCode, SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import { RelationsError, type RelationsErrorCode } from '@safeconduct/relations'

export type CheckFailure =
  | {
      readonly of: 'safeconduct'
      readonly code: ErrorCode
      readonly message: string
      readonly details: SafeconductError['details']
    }
  | {
      readonly of: 'relations'
      readonly code: RelationsErrorCode
      readonly message: string
      readonly problems: RelationsError['problems']
    }

export function failureOf(thrown: unknown): CheckFailure {
  if (thrown instanceof RelationsError) {
    const { code, message, problems } = thrown
    return { of: 'relations', code, message, problems }
  }
  const { code, message, details } = toSafeconductError(thrown)
  return { of: 'safeconduct', code, message, details }
}

export function errorOf(failure: CheckFailure): SafeconductError | RelationsError {
  if (failure.of === 'relations') return new RelationsError(failure.code, failure.message, failure.problems)
  const { code, message, details } = failure
  return new SafeconductError(code in ERROR_TABLE ? code : 'internal', { message, details })
}
