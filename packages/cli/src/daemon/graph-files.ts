/**
 * Graphs of relations as files of the data directory: written beside, then put in place as a whole.
 * @module
 */
import { randomUUID } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { GraphFiles } from '@safeconduct/server'

const NAME = /^[0-9A-Z]{26}$/

export function graphFiles(directory: string): GraphFiles {
  const folder = path.join(directory, 'relations')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fileOf = (name: string) => {
    if (!NAME.test(name)) throw new TypeError('this is not the id of a relation space')
    return path.join(folder, `${name}.graph`)
  }
  return {
    read: (name) =>
      existsSync(fileOf(name)) ? createReadStream(fileOf(name), { highWaterMark: 1 << 20 }) : null,
    async write(name, bytes) {
      const beside = path.join(folder, `${name}.${randomUUID()}.tmp`)
      const file = await open(beside, 'wx', 0o600)
      try {
        for await (const part of bytes) await file.writeFile(part)
        await file.sync()
      } catch (error) {
        await file.close()
        await rm(beside, { force: true })
        throw error
      }
      await file.close()
      await rename(beside, fileOf(name))
    },
    remove: (name) => rm(fileOf(name), { force: true }),
  }
}
