/**
 * The last question before a grant is issued.
 * @module
 */
import { ERROR_TABLE, SafeconductError } from '@safeconduct/protocol'
import { OAuthError, toOAuthError } from './errors.ts'
import type { Context, GrantIntent } from './options.ts'

/** @throws {OAuthError} when the gate refuses, or cannot record that it agreed */
export async function passGate(context: Context, intent: GrantIntent): Promise<void> {
  const answer = await context.gate(intent).catch((thrown: unknown) => {
    throw toOAuthError(thrown)
  })
  if (answer.allow) return
  const translated = toOAuthError(new SafeconductError(answer.code))
  throw translated.error === 'server_error'
    ? new OAuthError('access_denied', ERROR_TABLE[answer.code].message)
    : translated
}
