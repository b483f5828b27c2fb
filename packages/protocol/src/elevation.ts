/**
 * Just in time: a role asked for one errand, with a reason, for a time. It lapses by itself.
 * @module
 */
import * as z from 'zod'
import { LABEL_PATTERN, type Stored } from './principals.ts'

export const MAX_ELEVATION_MINUTES = 8 * 60

/** What is asked for. The agent or user it is for stands in the question of the route, not here. */
export const elevationRequestSchema = z.strictObject({
  role: z.string().regex(LABEL_PATTERN, 'a role is 1–63 of a–z, 0–9 and "-"'),
  task: z.string().min(1).max(256),
  /** Why, in the words of whoever asks; shown to the person who decides. */
  reason: z.string().trim().min(1).max(1024),
  minutes: z.int().min(1).max(MAX_ELEVATION_MINUTES).default(60),
  for: z.enum(['agent', 'user']).default('agent'),
})
export type ElevationRequest = z.infer<typeof elevationRequestSchema>

export const ELEVATION_STATUSES = ['pending', 'active', 'refused', 'revoked', 'lapsed'] as const

export interface Elevation extends Stored {
  /** Whose roles it adds to. */
  readonly for: 'agent' | 'user'
  readonly principal: string
  readonly role: string
  /** It holds under this errand only, and ends with it. */
  readonly task: string
  /** Purpose of the errand when it was asked for. */
  readonly purpose: string
  readonly reason: string
  readonly minutes: number
  /** `active` counts until `expiresAt`; nothing has to happen for it to lapse. */
  readonly status: (typeof ELEVATION_STATUSES)[number]
  readonly askedBy: string
  readonly createdAt: number
  /** A user's id, or `policy:<id>` of the rule that granted it; null while it waits. */
  readonly decidedBy: string | null
  readonly decidedAt: number | null
  /** Milliseconds. While pending: when the question lapses. */
  readonly expiresAt: number
  /** When it was revoked. */
  readonly endedAt: number | null
}
