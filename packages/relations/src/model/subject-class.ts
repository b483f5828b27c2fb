/**
 * What type restrictions speak of, as one number.
 *
 * @module
 */
const KINDS = 65_536

/** Kind 0 is an object, 1 everybody of the type, 2 + r the userset of relation r. */
export const subjectClass = (type: number, kind: number): number => type * KINDS + kind

/** The type when the class is that of plain objects; undefined otherwise. */
export const plainTypeOf = (key: number): number | undefined => (key % KINDS === 0 ? key / KINDS : undefined)

/** One relation of one type, as a key. */
export const relationKey = (type: number, relation: number): number => type * KINDS + relation
