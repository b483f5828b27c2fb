import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, it } from 'node:test'
import { nodeFiles, replaceFile } from './files.ts'
import { openLog } from './log.ts'
import { entryOf, newKey, ORIGIN, SMALL } from './testing/fixtures.ts'
import { temporaryDirectory } from './testing/temporary.ts'

describe('node files', () => {
  it('write, read back and grow a file by position', async () => {
    using directory = temporaryDirectory()
    const file = path.join(directory.path, 'a')
    const handle = await nodeFiles.open(file, 'create')
    await handle.write(Buffer.from('world'), 6)
    await handle.write(Buffer.from('hello '), 0)
    await handle.datasync()
    assert.equal(await handle.size(), 11)
    const into = Buffer.alloc(20)
    assert.equal(await handle.read(into, 3), 8)
    assert.equal(into.toString('utf8', 0, 8), 'lo world')
    await handle.close()
    assert.equal((await nodeFiles.read(file, 11))?.toString(), 'hello world')
    await assert.rejects(nodeFiles.read(file, 10), { code: 'io_error' })
    assert.equal(fs.statSync(file).mode & 0o777, 0o600)
  })

  it('open a file so that each write is as good as synced', {
    skip: process.platform !== 'linux',
  }, async () => {
    using directory = temporaryDirectory()
    const file = path.join(directory.path, 'a')
    fs.writeFileSync(file, 'hello moon')
    await assert.rejects(nodeFiles.open(`${file}b`, 'durable'), { code: 'ENOENT' })
    const handle = await nodeFiles.open(file, 'durable')
    const mine = fs.readdirSync('/proc/self/fd').filter((fd) => {
      return fs.existsSync(`/proc/self/fd/${fd}`) && fs.readlinkSync(`/proc/self/fd/${fd}`) === file
    })
    const [flags = ''] = mine.map((fd) => fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
    const given = Number.parseInt(/^flags:\s+(\d+)$/m.exec(flags)?.[1] ?? '', 8)
    assert.equal(given & fs.constants.O_DSYNC, fs.constants.O_DSYNC)
    await handle.write(Buffer.from('world'), 6)
    const into = Buffer.alloc(11)
    assert.equal(await handle.read(into, 0), 11)
    assert.equal(into.toString(), 'hello world')
    await handle.close()
  })

  it('treat what is absent as nothing, and pass other errors on', async () => {
    using directory = temporaryDirectory()
    const missing = path.join(directory.path, 'missing')
    assert.equal(await nodeFiles.read(missing, 10), undefined)
    assert.equal(await nodeFiles.read(path.join(missing, 'below'), 10), undefined)
    assert.deepEqual(await nodeFiles.list(missing), [])
    await nodeFiles.remove(missing)
    await assert.rejects(nodeFiles.open(missing, 'write'), { code: 'ENOENT' })
    await assert.rejects(nodeFiles.makeDirectory(path.join(missing, 'below')), { code: 'ENOENT' })
    await assert.rejects(nodeFiles.read(directory.path, 10))
  })

  it('list in order, and remove whole directories', async () => {
    using directory = temporaryDirectory()
    const below = path.join(directory.path, 'below')
    await nodeFiles.makeDirectory(below)
    await nodeFiles.makeDirectory(below)
    for (const name of ['b', 'a']) await replaceFile(nodeFiles, path.join(below, name), Buffer.from(name))
    assert.deepEqual(await nodeFiles.list(below), ['a', 'b'])
    await nodeFiles.remove(below)
    assert.deepEqual(await nodeFiles.list(directory.path), [])
    assert.equal((await nodeFiles.medium(directory.path)) !== 'network', true)
  })

  it('replace a file whole and leave nothing temporary', async () => {
    using directory = temporaryDirectory()
    const file = path.join(directory.path, 'state')
    await replaceFile(nodeFiles, file, Buffer.from('first, and longer'))
    await replaceFile(nodeFiles, file, Buffer.from('second'))
    assert.equal(fs.readFileSync(file, 'utf8'), 'second')
    assert.deepEqual(fs.readdirSync(directory.path), ['state'])
  })

  it('carry a log through closing and opening', async () => {
    using directory = temporaryDirectory()
    const options = { directory: path.join(directory.path, 'log'), origin: ORIGIN, key: newKey(), ...SMALL }
    const log = await openLog(options)
    await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(entryOf(i, 400))))
    await log.close()
    const again = await openLog({ ...options, check: 'full' })
    assert.deepEqual(Buffer.from(await again.entry(299)), entryOf(299, 400))
    assert.equal((await again.receipts([0, 299])).entries.length, 2)
    await again.close()
  })
})
