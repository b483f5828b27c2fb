import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Place, place } from './daemon.ts'

describe('a verb that finds no daemon', () => {
  let here: Place
  before(() => {
    here = place({ SAFECONDUCT_PORT: '0' })
  })
  after(() => here.remove())

  it('starts one, which several that ask at once share, and shows its sign-in link to nobody but a terminal', async () => {
    const asked = await Promise.all(
      [1, 2, 3].map((n) => here.run('--json', 'agents', 'register', `bot-${n}`)),
    )
    const { pid } = await here.json<{ pid: number }>('status')
    try {
      assert.deepEqual(
        asked.map(({ code }) => code),
        [0, 0, 0],
      )
      const said = asked.map(({ err }) => err).join('')
      assert.match(said, new RegExp(`process ${pid}`), 'the one that started it says how to sign in')
      assert.doesNotMatch(said, /signin/)
    } finally {
      assert.equal((await here.run('down')).code, 0)
    }
    assert.equal(existsSync(path.join(here.data, 'control.sock')), false)
  })

  it('puts several servers behind the gateway at once, as a host does when it starts', async () => {
    const up = await here.up('--empty')
    writeFileSync(path.join(here.folder, 'server.mjs'), '')
    const run = (name: string) => here.run('run', '--server', name, '--', process.execPath, 'server.mjs')
    const ended = await Promise.all(['one', 'two', 'two'].map(run))
    assert.deepEqual(
      ended.map(({ code, err }) => [code, err]),
      [1, 2, 3].map(() => [0, '']),
    )
    const { servers } = await here.json<{ servers: { name: string }[] }>('servers', 'list')
    assert.deepEqual(servers.map(({ name }) => name).sort(), ['one', 'two'])
    await up.stop()
  })

  it('says why none could be started', async () => {
    const wrong = place({ SAFECONDUCT_HOST: '0.0.0.0' })
    try {
      const { code, err } = await wrong.run('agents', 'register', 'bot')
      assert.equal(code, 1)
      assert.match(err, /could not be started.*SAFECONDUCT_PUBLIC_URL/)
    } finally {
      await wrong.remove()
    }
  })

  it('takes the same port again where the usual one was taken', async () => {
    const there = place()
    const other = createServer()
    try {
      // Whoever has it: it is taken.
      await new Promise((resolve) => {
        other.once('error', resolve)
        other.listen(7070, '127.0.0.1', () => resolve(null))
      })
      assert.equal((await there.run('agents', 'register', 'bot')).code, 0)
      const { url } = await there.json<{ url: string }>('status')
      assert.notEqual(new URL(url).port, '7070')
      assert.equal((await there.run('down')).code, 0)
      assert.equal((await there.run('agents', 'list')).code, 0)
      assert.equal((await there.json<{ url: string }>('status')).url, url)
    } finally {
      other.close()
      await there.remove()
    }
  })

  it('and only reads begins nothing where there is nothing to read', async () => {
    const nothing = place({ SAFECONDUCT_PORT: '0' })
    try {
      for (const verb of [
        ['decisions'],
        ['agents', 'list'],
        ['policy', 'show'],
        ['revoke', 'agent', 'bot'],
      ]) {
        const { code, err } = await nothing.run(...verb)
        assert.equal(code, 2, err)
        assert.match(err, /There are no Safeconduct data in .*npm start, or \.\/safeconduct up --data/)
      }
      assert.equal(existsSync(nothing.data), false)
    } finally {
      await nothing.remove()
    }
  })

  it('takes the port again that was chosen, or that was free, while nobody else has it', async () => {
    const kept = place()
    const other = createServer()
    try {
      const first = await kept.up('--empty')
      await first.stop()
      const again = await kept.up('--empty')
      assert.equal(again.url, first.url)
      await again.stop()
      await new Promise<void>((resolve) =>
        other.listen(Number(new URL(first.url).port), '127.0.0.1', resolve),
      )
      const { code, err } = await kept.run('up', '--empty')
      assert.equal(code, 1)
      assert.match(err, /It is the port of the last start, kept in .*port\./)
      const moved = await kept.up('--empty')
      assert.notEqual(moved.url, first.url)
      await moved.stop()
    } finally {
      other.close()
      await kept.remove()
    }
  })
})
