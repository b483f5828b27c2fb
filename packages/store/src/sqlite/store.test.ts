import { join } from 'node:path'
import { storeConformance } from '../conformance/store.ts'
import { temporaryDirectory } from '../testing/temporary.ts'
import { openSqliteStore } from './store.ts'

const root = temporaryDirectory()

storeConformance('sqlite', (place) => openSqliteStore({ directory: join(root, place) }))
