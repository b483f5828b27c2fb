/**
 * Everything that a collection has, read page by page.
 * @module
 */
import type { Page } from '@safeconduct/engine'

/** The most that a store gives at once. */
const SIZE = 1000

export async function everyPage<T extends { readonly id: string }>(
  read: (page: Page) => Promise<readonly T[]>,
): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const after = all.at(-1)?.id
    const page = await read({ limit: SIZE, ...(after === undefined ? {} : { after }) })
    all.push(...page)
    if (page.length < SIZE) return all
  }
}
