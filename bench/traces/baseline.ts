/**
 * The naive control arm: static taint, exact provenance of every sink leaf, and the addresses inside free text. It knows
 * nothing that is finer than one output. Its list of untrusted tools was set by hand where injections were seen, which a
 * product must not do; that is why it is only a control.
 * @module
 */
import type { JsonObject } from '../../packages/engine/src/flow/index.ts'
import type { ArmDecision, TraceArm } from './arm.ts'

const READ_PREFIXES = ['get_', 'search_', 'list_', 'read_', 'check_', 'view_']
const CHOSEN_DESTINATION = new Set(['get_webpage'])
const UNTRUSTED = new Set(['get_most_recent_transactions', 'read_file', 'get_channels', 'get_webpage'])
const FREE_TEXT = new Set(['subject', 'body', 'content', 'amount', 'date', 'n', 'recurring'])
const ADDRESS =
  /https?:\/\/[^\s'"<>)\]]+|www\.[^\s'"<>)\]]+|[\w.+-]+@[\w-]+\.[\w.-]+|\b[A-Z]{2}\d{2}[A-Z0-9]{8,30}\b/gi

export function isBaselineRead(tool: string): boolean {
  return READ_PREFIXES.some((prefix) => tool.startsWith(prefix))
}

export function baselineArm(): TraceArm {
  let trusted: string[] = []
  const known = (value: string): boolean => trusted.some((text) => text.includes(value))
  return {
    name: 'd4',
    start({ prompt }) {
      trusted = prompt === null ? [] : [normalise(prompt)]
    },
    decide(tool, args): ArmDecision {
      if (isBaselineRead(tool) && !CHOSEN_DESTINATION.has(tool)) return { outcome: 'allow', risk: 0, why: [] }
      const why = tested(args)
        .filter(({ value }) => !known(value))
        .map(({ argument }) => ({
          argument,
          source: 'no trusted output',
          reason: 'not in the prompt or a trusted output',
        }))
      return { outcome: why.length > 0 ? 'step-up' : 'allow', risk: why.length, why }
    },
    observe(tool, _args, output, error) {
      if (error === null && isBaselineRead(tool) && !UNTRUSTED.has(tool)) trusted.push(normalise(output))
    },
  }
}

function tested(args: JsonObject): { argument: string; value: string }[] {
  return Object.entries(args).flatMap(([argument, value]) => {
    const leaves = flat(value)
    const parts = FREE_TEXT.has(argument)
      ? leaves.flatMap((leaf) => String(leaf).match(ADDRESS) ?? [])
      : leaves
    return parts
      .filter((part) => typeof part !== 'boolean')
      .map((part) => ({ argument, value: normalise(String(part)) }))
      .filter((part) => part.value.length > 1)
  })
}

function flat(value: unknown): (string | number | boolean)[] {
  if (value === null || value === undefined) return []
  if (typeof value === 'object') return Object.values(value).flatMap(flat)
  return [value as string | number | boolean]
}

function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/https?:\/\//g, '')
    .trim()
    .replace(/[/.,;:!?*]+$/, '')
}
