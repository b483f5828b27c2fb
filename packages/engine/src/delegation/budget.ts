/**
 * Budgets: what a task, and each link of its delegation, may still spend. A reservation is computed by `decide` and
 * taken by `apply` in the same synchronous turn, so parallel calls cannot overspend. What was reserved stays spent
 * unless the call certainly never went out.
 * @module
 */
import type { Budget, JsonObject } from '@safeconduct/protocol'
import { type Refusal, valuesAt } from './details.ts'

/** What has been reserved so far under one key (`task:<id>` or `delegation:<id>`). */
export interface Spent {
  readonly calls: number
  readonly writes: number
  readonly sums: ReadonlyMap<string, number>
  /** Milliseconds; the counter may be forgotten afterwards, because the errand has then expired. */
  readonly expiresAt: number
}

export interface Reservation {
  readonly key: string
  readonly expiresAt: number
  readonly calls: number
  readonly writes: number
  readonly sums: readonly (readonly [string, number])[]
}

/** One purse that the call draws on: the counter's key and the bounds that hold for it (several may hold). */
export interface Purse {
  readonly key: string
  readonly expiresAt: number
  readonly budgets: readonly Budget[]
}

export interface BudgetQuestion {
  /** `<server>/<tool>`; null for what is not a tool call. */
  readonly tool: string | null
  readonly args: JsonObject
  readonly write: boolean
}

/** A hundredth of a millionth is rounding of binary fractions, not spending. */
const ROUNDING = 1e-8

export function emptySpent(expiresAt: number): Spent {
  return { calls: 0, writes: 0, sums: new Map(), expiresAt }
}

/** Reservations for every purse, or the first bound that would be passed. */
export function reserve(
  spent: ReadonlyMap<string, Spent>,
  purses: readonly Purse[],
  question: BudgetQuestion,
): { readonly reservations: readonly Reservation[]; readonly refusal: Refusal | null } {
  const reservations: Reservation[] = []
  for (const purse of purses) {
    const before = spent.get(purse.key)
    let sums: Map<string, number> | null = null
    for (const budget of purse.budgets) {
      let refusal = overCounts(budget, before, question)
      if (refusal === null && budget.sums !== undefined) {
        sums ??= new Map()
        refusal = overSums(budget.sums, before, question, sums)
      }
      if (refusal !== null) return { reservations: [], refusal }
    }
    reservations.push({
      key: purse.key,
      expiresAt: purse.expiresAt,
      calls: 1,
      writes: question.write ? 1 : 0,
      sums: sums === null ? [] : [...sums],
    })
  }
  return { reservations, refusal: null }
}

function overCounts(budget: Budget, before: Spent | undefined, question: BudgetQuestion): Refusal | null {
  if (budget.calls !== undefined && (before?.calls ?? 0) + 1 > budget.calls) {
    return exhausted('budget.calls', `All ${budget.calls} calls of the errand are used.`)
  }
  if (question.write && budget.writes !== undefined && (before?.writes ?? 0) + 1 > budget.writes) {
    return exhausted('budget.writes', `All ${budget.writes} calls with side effects of the errand are used.`)
  }
  return null
}

function overSums(
  limits: NonNullable<Budget['sums']>,
  before: Spent | undefined,
  question: BudgetQuestion,
  sums: Map<string, number>,
): Refusal | null {
  for (const [name, limit] of Object.entries(limits)) {
    const path = question.tool === null ? null : pathOf(name, question.tool)
    if (path === null) continue
    const values = valuesAt(question.args, path)
    let amount = 0
    for (const value of values) {
      // A negative amount would refill the purse, and something that is no number cannot be counted.
      if (typeof value !== 'number' || value < 0) return uncountable(name, path)
      amount += value
    }
    if (values.length === 0) return uncountable(name, path)
    const used = before?.sums.get(name) ?? 0
    if (used + amount > limit + ROUNDING * Math.max(1, limit)) {
      return {
        ...exhausted(
          `budget.sums.${name}`,
          `The sum over ${path} would pass ${limit}; ${round(used)} is used.`,
        ),
        fit: limit > used && !path.includes('.') ? { path, value: round(limit - used) } : null,
      }
    }
    sums.set(name, amount)
  }
  return null
}

/** `<server>/<tool>:<path>`; a tool name may itself hold a colon, so the tool is compared, not split off. */
function pathOf(name: string, tool: string): string | null {
  return name.startsWith(`${tool}:`) ? name.slice(tool.length + 1) : null
}

export function take(spent: Map<string, Spent>, reservation: Reservation): void {
  const purse = spent.get(reservation.key) ?? emptySpent(reservation.expiresAt)
  spent.set(reservation.key, added(purse, reservation, 1))
}

/** Gives back what `take` took. The purse may be gone (expired or rolled over), and is then left alone. */
export function giveBack(spent: Map<string, Spent>, reservation: Reservation): void {
  const purse = spent.get(reservation.key)
  if (purse !== undefined) spent.set(reservation.key, added(purse, reservation, -1))
}

function added(purse: Spent, reservation: Reservation, sign: 1 | -1): Spent {
  const sums = new Map(purse.sums)
  for (const [name, amount] of reservation.sums) {
    sums.set(name, Math.max(0, (sums.get(name) ?? 0) + sign * amount))
  }
  return {
    calls: Math.max(0, purse.calls + sign * reservation.calls),
    writes: Math.max(0, purse.writes + sign * reservation.writes),
    sums,
    expiresAt: purse.expiresAt,
  }
}

function exhausted(member: string, why: string): Refusal {
  return { code: 'budget_exhausted', member, why, fit: null }
}

function uncountable(name: string, path: string): Refusal {
  return {
    code: 'budget_exhausted',
    member: `budget.sums.${name}`,
    why: `The argument ${path} counts against a sum and must be a number of at least 0.`,
    fit: null,
  }
}

function round(value: number): number {
  return Math.round(value * 1e8) / 1e8
}
