/** The trading desk beside the daemon: its day is played once, and whoever was stopped stays so over a restart. */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type Place, place, until } from './daemon.ts'

let here: Place
before(() => {
  here = place({ SAFECONDUCT_PORT: '0' })
})
after(() => here.remove())

interface Agents {
  readonly agents: readonly { readonly name: string; readonly status: string }[]
}
interface Tasks {
  readonly tasks: readonly { readonly id: string }[]
}

const errands = async () => (await here.json<Tasks>('tasks', 'list')).tasks.length
const trader = async () =>
  (await here.json<Agents>('agents', 'list')).agents.find(({ name }) => name === 'trader')?.status

it('plays its day on the first start, and not again', async () => {
  const first = await here.up()
  await until('the desk at work', async () => ((await errands()) > 0 ? true : undefined))
  await first.stop()
  const before = await here.up()
  const known = await errands()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  assert.equal(await errands(), known)
  assert.equal(await trader(), 'active')
  assert.equal((await here.run('revoke', 'agent', 'trader')).code, 0)
  await before.stop()
})

it('is not let in again by a restart when it was revoked', async () => {
  const up = await here.up()
  const known = await errands()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  assert.equal(await trader(), 'revoked')
  assert.equal(await errands(), known)
  await up.stop()
})
