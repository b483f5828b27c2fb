/**
 * What differences between queries to a model are usual, from the settled queries of other agents of the tenant, kept in
 * groups like their tools (`behaviour/peers.ts`).
 * @module
 */
import { type Background, background, type Peers } from '../behaviour/peers.ts'
import { BETS, besides, type Others, type QueryLook } from './stream.ts'

/** What everybody else's differences are; where nobody else asks, those of everybody. */
export function othersAt(peers: Peers, model: string, group: number | null): Others {
  const elsewhere = background(peers, group)
  const anybody = group === null ? elsewhere : background(peers, null)
  return (bin) => shareOf(elsewhere, model, bin) ?? shareOf(anybody, model, bin)
}

/** Symbols under which a settled query counts among its peers. */
export function symbolsOf(model: string, look: QueryLook): string[] {
  return BETS.flatMap((bet) => {
    const bin = look.bins[bet]
    return bin === null ? [] : [symbolOf(model, bin)]
  })
}

function shareOf(peers: Background, model: string, bin: string): number | null {
  if (peers.groups === 0) return null
  let all = 0
  for (const each of besides(bin)) all += peers.share(symbolOf(model, each))
  return all < ENOUGH ? null : peers.share(symbolOf(model, bin)) / all
}

/** Of all differences; of less, a model is hardly asked at all. */
const ENOUGH = 0.005

function symbolOf(model: string, bin: string): string {
  return `${model} ${bin}`
}
