/**
 * Queries that are made to copy a model.
 * @module
 */
export {
  BETS,
  emptyStream,
  FOUND,
  found,
  keepQuery,
  lookAt,
  type Others,
  type QueryStream,
  stakesAfter,
} from './stream.ts'
export { type Folded, foldVector, vectorIn } from './vector.ts'
