import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallRequest } from '@safeconduct/protocol'
import { createDecider } from '../../decider.ts'
import type { NetworkFacts } from '../../ports.ts'
import { call, fakePorts, ok, START, setup } from '../../testing/world.ts'

const KNOWN: Readonly<Record<string, NetworkFacts>> = {
  '192.0.2.1': { country: 'NL', asn: 64500, org: 'One', hosting: false },
  '198.51.100.1': { country: 'AU', asn: 64501, org: 'Two', hosting: false },
}

test('the network of an address is looked up before the turn: a journey nobody can make costs a fresh proof, once', async () => {
  const ports = fakePorts()
  const decider = createDecider({ ...ports, networks: { lookup: (ip) => KNOWN[ip] ?? null } })
  for (const event of setup()) decider.control(event)
  let at = START
  const ask = async (ip: string) => {
    at += 20 * 60_000
    ports.clock.advance(20 * 60_000)
    const request: CallRequest = call({ at, ip, args: { symbol: 'ACME' } })
    const { decision, forward } = await decider.prepare(request)
    if (forward) await decider.settle(request.id, ok('1'))
    return decision
  }
  assert.equal((await ask('192.0.2.1')).outcome, 'allow')
  assert.equal((await ask('192.0.2.1')).outcome, 'allow')
  const away = await ask('198.51.100.1')
  assert.equal(away.outcome, 'step_up')
  const [evidence] = away.evidence.filter(({ detector }) => detector === 'places')
  assert.match(evidence?.reason ?? '', /NL .* AU/)
  assert.doesNotMatch(away.remedy, /NL|AU|travel/)
  assert.equal((await ask('198.51.100.1')).outcome, 'allow', 'proven anew')
  assert.equal((await ask('192.0.2.1')).outcome, 'allow', 'both places are known')
  await decider.close()
})
