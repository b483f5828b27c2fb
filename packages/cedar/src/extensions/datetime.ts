/**
 * Cedar `datetime` (i64 milliseconds since 1970-01-01T00:00:00Z, no leap seconds) and `duration` (i64 milliseconds).
 *
 * @module
 */

import { addLong, divideLong, floorToMultiple, type Long, longFromBigInt, subtractLong } from '../long.ts'
import { EvaluationFailure } from './failure.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export class Duration {
  readonly kind = 'duration'
  readonly milliseconds: Long

  constructor(milliseconds: Long) {
    this.milliseconds = milliseconds
  }

  get canonicalKey(): string {
    return `duration(${this.milliseconds})`
  }

  /** Whole units, rounded toward zero. */
  in(unit: 'milliseconds' | 'seconds' | 'minutes' | 'hours' | 'days'): Long {
    return divideLong(this.milliseconds, unitLengths[unit])
  }

  toString(): string {
    return `${this.milliseconds}ms`
  }
}

export class Datetime {
  readonly kind = 'datetime'
  readonly epochMilliseconds: Long

  constructor(epochMilliseconds: Long) {
    this.epochMilliseconds = epochMilliseconds
  }

  get canonicalKey(): string {
    return `datetime(${this.epochMilliseconds})`
  }

  /** @throws {EvaluationFailure} outside i64, as for the next two */
  offset(by: Duration): Datetime {
    return new Datetime(inRange(addLong(this.epochMilliseconds, by.milliseconds)))
  }

  durationSince(earlier: Datetime): Duration {
    return new Duration(inRange(subtractLong(this.epochMilliseconds, earlier.epochMilliseconds)))
  }

  /** Midnight of the same UTC day. */
  toDate(): Datetime {
    return new Datetime(inRange(floorToMultiple(this.epochMilliseconds, DAY)))
  }

  /** Time since that midnight. Defined for every datetime, even where `toDate` overflows. */
  toTime(): Duration {
    const rest = BigInt(this.epochMilliseconds) % BigInt(DAY)
    return new Duration(Number(rest < 0n ? rest + BigInt(DAY) : rest))
  }
}

const unitLengths = { milliseconds: 1, seconds: SECOND, minutes: MINUTE, hours: HOUR, days: DAY }
const durationPattern =
  /^(-?)(?=[0-9])(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/
const durationUnits = [DAY, HOUR, MINUTE, SECOND, 1]

/** `1d2h3m4s5ms`, each part at most once and in this order. @throws {EvaluationFailure} */
export function parseDuration(text: string): Duration {
  const match = durationPattern.exec(text)
  if (match === null) throw new EvaluationFailure('not a valid duration')
  let total = 0n
  durationUnits.forEach((length, i) => {
    total += BigInt(match[i + 2] ?? '0') * BigInt(length)
  })
  return new Duration(inRange(longFromBigInt(match[1] === '-' ? -total : total)))
}

const datetimePattern =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2})))?$/

/** `YYYY-MM-DD`, or that with `Thh:mm:ss[.SSS]` and `Z` or `±hhmm`. @throws {EvaluationFailure} */
export function parseDatetime(text: string): Datetime {
  const match = datetimePattern.exec(text)
  if (match === null) throw new EvaluationFailure('not a valid datetime')
  const part = (i: number) => Number(match[i] ?? '0')
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const offset = part(9) * HOUR + part(10) * MINUTE
  if (hour > 23 || minute > 59 || second > 59 || part(9) > 23 || part(10) > 59) {
    throw new EvaluationFailure('datetime field out of range')
  }
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new EvaluationFailure('no such calendar day')
  }
  const local = date.getTime() + hour * HOUR + minute * MINUTE + second * SECOND + part(7)
  return new Datetime(match[8] === '+' ? local - offset : local + offset)
}

function inRange(value: Long | undefined): Long {
  if (value === undefined) throw new EvaluationFailure('overflow of datetime or duration')
  return value
}
