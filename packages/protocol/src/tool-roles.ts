/**
 * What an operator says about a tool where the derivation from its definition is wrong: single facts, and the kinds of
 * single arguments. It wins over everything a server says about itself, until the operator takes it back.
 * @module
 */
import * as z from 'zod'

/** What an argument can be. All but `free`, `amount`, `time` and `scalar` steer by their value. */
export const ARGUMENT_KIND_NAMES = [
  'credential',
  'url',
  'permission',
  'account',
  'command',
  'free',
  'amount',
  'time',
  'recipient',
  'member',
  'path',
  'place',
  'id',
  'attribute',
  'object',
  'scalar',
] as const

const MAX_ARGUMENTS = 64

export const toolCorrections = z.strictObject({
  effect: z.enum(['read', 'write']).optional(),
  destructive: z.boolean().optional(),
  openWorld: z.boolean().optional(),
  reversible: z.boolean().optional(),
  thirdPartyOutput: z.boolean().optional(),
  documentOutput: z.boolean().optional(),
  ownData: z.boolean().optional(),
  args: z
    .record(z.string().min(1).max(128), z.enum(ARGUMENT_KIND_NAMES))
    .refine((args) => Object.keys(args).length <= MAX_ARGUMENTS, `at most ${MAX_ARGUMENTS} arguments`)
    .optional(),
})
export type ToolCorrections = z.infer<typeof toolCorrections>
