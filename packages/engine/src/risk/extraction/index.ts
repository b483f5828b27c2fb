/**
 * Queries that are made to copy a model.
 * @module
 */
export { othersAt, symbolsOf } from './background.ts'
export {
  emptyStream,
  FOUND,
  found,
  gainsOf,
  keepQuery,
  lookAt,
  type Others,
  type QueryLook,
  type QueryStream,
  stakesAfter,
} from './stream.ts'
export { type Folded, foldVector, vectorIn } from './vector.ts'
