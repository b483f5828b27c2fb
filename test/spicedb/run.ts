/**
 * `npm run test:spicedb [-- worlds [seed]]`: relations compared with SpiceDB on generated worlds. Exit code 1 on any
 * difference, 2 when SpiceDB cannot be had here.
 *
 * @module
 */
import { compareWorlds } from './compare.ts'
import { type Oracle, startOracle } from './embedded.ts'

const worlds = Number(process.argv[2] ?? 100)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)

async function main(): Promise<number> {
  let oracle: Oracle
  try {
    oracle = await startOracle((text) => console.error(text))
  } catch (error) {
    console.error(`spicedb: not compared: ${error instanceof Error ? error.message : String(error)}`)
    return 2
  }
  const { checks, allowed, listings, listed, differences } = await compareWorlds(oracle, worlds, seed)
  console.log(`spicedb: ${worlds} worlds of seed ${seed}: ${checks} checks (${allowed} allowed),`)
  console.log(`  ${listings} listings with ${listed} results, ${differences.length} differences`)
  oracle.close()
  for (const difference of differences.slice(0, 10)) console.error(`  ${difference}`)
  return differences.length > 0 || allowed === 0 || listed === 0 ? 1 : 0
}

process.exitCode = await main()
