/**
 * Entries of a list of known bad addresses: one JSON object a line.
 * @module
 */
import * as z from 'zod'

/** `host`: of a link or an e-mail address, with every domain below it. */
export const INDICATOR_KINDS = ['ip', 'host', 'url', 'email', 'account', 'phone'] as const
export type IndicatorKind = (typeof INDICATOR_KINDS)[number]

export const indicatorSchema = z.strictObject({
  id: z.string().min(1).max(128),
  kind: z.enum(INDICATOR_KINDS),
  value: z.string().min(1).max(2048),
  /** The list it comes from. */
  source: z.string().min(1).max(64),
  /** How sure the list is that whoever uses it means ill. */
  confidence: z.number().gt(0).lt(1),
  /** MITRE ATLAS or ATT&CK. */
  technique: z
    .string()
    .regex(/^(?:AML\.)?T\d{4}(?:\.\d{3})?$/)
    .optional(),
  /** RFC 3339; from then on it is no longer bad. */
  until: z.iso.datetime({ offset: true }).optional(),
})
export type IndicatorEntry = z.infer<typeof indicatorSchema>
