/**
 * SpiceDB's driver against SpiceDB, where it is installed (`npm run test:spicedb` does it).
 */
import { createGuardedFetch, createSpiceDbDriver } from '@safeconduct/server'
import { isInstalled } from '../spicedb/embedded.ts'
import { driverConformance } from './driver-conformance.ts'
import { openBridge } from './spicedb-bridge.ts'

if (isInstalled())
  driverConformance('SpiceDB (memdb)', async () => {
    const bridge = await openBridge()
    const fetch = createGuardedFetch({ allowPrivate: true, maxBytes: 1024 * 1024 })
    return {
      driver: createSpiceDbDriver({ fetch, url: bridge.url, token: null }),
      close: async () => {
        await fetch.close()
        await bridge.close()
      },
    }
  })
else
  process.stderr.write(
    'SKIPPED: SpiceDB is not installed (npm run test:spicedb does it): its driver was not tried\n',
  )
