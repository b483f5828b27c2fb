/**
 * What every store must do, whatever it is made of.
 * @module
 */
import { describe } from 'node:test'
import { collections } from './collections.ts'
import type { OpenStore, Skips } from './fixtures.ts'
import { blobs, epochs, oauth, outbox, replay } from './others.ts'
import { relations } from './relations.ts'
import { tenants } from './tenants.ts'
import { transactions } from './transactions.ts'

/** Declares the suite for one implementation. `open` gets a fresh place for each test; `skips` say why. */
export function storeConformance(name: string, open: OpenStore, skips: Skips = {}): void {
  describe(`store conformance: ${name}`, () => {
    collections(open)
    tenants(open)
    transactions(open, skips)
    epochs(open)
    oauth(open)
    replay(open)
    blobs(open)
    outbox(open)
    relations(open)
  })
}
