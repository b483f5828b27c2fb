/**
 * Bounds that keep hostile input from exhausting a stack, or time.
 *
 * cedar-wasm 4.13.0 has a 1 MiB stack and traps for good at 100 to 150 nested brackets, so policies and schemas
 * are measured before it sees them.
 *
 * @module
 */

/** Deepest bracket nesting of a policy or schema text. */
export const MAX_TEXT_NESTING = 56
/** Deepest nesting of a context, attribute or tag. cedar-wasm refuses more than 128. */
export const MAX_VALUE_DEPTH = 120
/** Types of a schema with every common type written out, which is what cedar-wasm does with them. */
export const MAX_SCHEMA_TYPES = 1_000_000
/** Common types one inside the other. */
export const MAX_SCHEMA_CHAIN = 1000
/** Problems listed of one text. What is behind them is not read: to find the place of each takes as long as the text. */
export const MAX_PROBLEMS = 500
