import { storeConformance } from '../conformance/store.ts'
import { createMemoryStore } from './store.ts'

storeConformance('memory', async () => createMemoryStore(), {
  reopen: 'nothing is kept beyond the process',
  secondOpener: 'there is nothing that two could open',
})
