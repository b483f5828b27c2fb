/**
 * OpenFGA's HTTP interface as one table: every method and path under `/fga`, and the scope it needs. What is not in it
 * does not exist.
 * @module
 */
import { questionRows } from './questions.ts'
import type { FgaRow } from './row.ts'
import { storeRows } from './stores.ts'
import { tupleRows } from './tuples.ts'

export const FGA_ROUTES: readonly FgaRow[] = [...storeRows, ...tupleRows, ...questionRows]
