/**
 * Generated worlds asked twice: `@safeconduct/relations` and SpiceDB must give the same checks and the same listings.
 *
 * @module
 */

import { RelationStore } from '@safeconduct/relations'
import fc from 'fast-check'
import {
  CIRCUMSTANCES,
  DOCUMENTS,
  fullWorldArbitrary,
  GROUPS,
  modelOf,
  NOW,
  RELATIONS,
  USERS,
  type World,
} from '../../packages/relations/src/testing/world.ts'
import type { Oracle } from './embedded.ts'
import { acyclic } from './translate.ts'

export interface Comparison {
  readonly worlds: number
  readonly checks: number
  readonly allowed: number
  readonly listings: number
  readonly listed: number
  readonly differences: readonly string[]
}

const ASKERS = [...USERS, 'user:unknown', ...GROUPS.map((group) => `${group}#member`)]

export async function compareWorlds(oracle: Oracle, worlds: number, seed: number): Promise<Comparison> {
  const total = { checks: 0, allowed: 0, listings: 0, listed: 0, differences: [] as string[] }
  for (const [i, world] of fc.sample(fullWorldArbitrary, { numRuns: worlds, seed }).entries()) {
    const one = await compare(oracle, acyclic(world))
    total.checks += one.checks
    total.allowed += one.allowed
    total.listings += one.listings
    total.listed += one.listed
    for (const difference of one.differences)
      total.differences.push(`world ${i} of seed ${seed}: ${difference}`)
  }
  return { worlds, ...total }
}

async function compare(oracle: Oracle, world: World): Promise<Omit<Comparison, 'worlds'>> {
  const store = new RelationStore({ now: () => NOW })
  store.writeModel(modelOf(world))
  if (world.tuples.length > 0) store.write(world.tuples)
  await oracle.hold(world)
  const differences: string[] = []
  let allowed = 0
  let listed = 0
  const questions = ASKERS.flatMap((user) =>
    DOCUMENTS.flatMap((object) => RELATIONS.map((relation) => ({ object, relation, user }))),
  )
  const theirs = await oracle.checks(questions)
  for (const [i, question] of questions.entries()) {
    const ours = store.check({ ...question, ...CIRCUMSTANCES }).allowed
    if (ours) allowed++
    if (ours !== theirs[i])
      differences.push(`${JSON.stringify(question)}: ${ours}, SpiceDB ${theirs[i]}\n${modelOf(world)}`)
  }
  for (const user of ASKERS)
    for (const relation of RELATIONS) {
      const request = { type: 'document', relation, user, ...CIRCUMSTANCES }
      const ours = [...(await store.listObjects(request)).results].sort()
      const wanted = await oracle.documents(relation, user)
      listed += ours.length
      if (ours.join() !== wanted.join())
        differences.push(`${relation} ${user}: ${ours.join(' ')}; SpiceDB ${wanted.join(' ')}`)
    }
  return {
    checks: questions.length,
    allowed,
    listings: ASKERS.length * RELATIONS.length,
    listed,
    differences,
  }
}
