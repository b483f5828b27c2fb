/**
 * Whether somebody comes from where and with what they usually come.
 * @module
 */
export {
  countLogin,
  emptyLogins,
  freemanScore,
  type LevelWeights,
  type Login,
  type LoginCounts,
  REFERENCE_WEIGHTS,
} from './freeman.ts'
export {
  type Arrival,
  type ClientName,
  clientLevels,
  emptyHabit,
  type Habit,
  type Likeness,
  learnArrival,
  likeness,
  type Population,
} from './likeness.ts'
export { COMPARED, registrationSigns } from './registration.ts'
