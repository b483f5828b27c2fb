/**
 * The graph in this process behind the port of the drivers.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'
import { RelationsError } from '@safeconduct/relations'
import type { RelationService } from '../ports.ts'
import type { RelationDriver } from './driver.ts'

export function createLocalDriver(service: RelationService, tenant: string, space: string): RelationDriver {
  const graph = () => service.space(tenant, space).graph
  return {
    async check(questions) {
      const answers = await graph().batchCheck(questions)
      return answers.map((answer) => ('error' in answer ? null : answer.allowed))
    },
    async *listObjects(question) {
      let cursor: string | undefined
      do {
        const page = await refusing(() =>
          graph().listObjects({ ...question, ...(cursor === undefined ? {} : { cursor }) }),
        )
        yield* page.results
        cursor = page.cursor
      } while (cursor !== undefined)
    },
    async write(writes, deletes) {
      await refusing(() => service.write(tenant, space, { writes, deletes, options: {} }, 'driver'))
    },
  }
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof RelationsError)) throw cause
    const code = cause.code === 'write_conflict' ? 'conflict' : 'invalid_params'
    throw new SafeconductError(code, { message: cause.message, cause })
  }
}
