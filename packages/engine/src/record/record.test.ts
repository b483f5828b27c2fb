import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decision, parseJson } from '@safeconduct/protocol'
import { decide } from '../decide.ts'
import { fakeKeyring, fakeLedger, fakeStore } from '../testing/fakes.ts'
import { call, grant, ok, START, TENANT, world } from '../testing/world.ts'
import { decodeAttachment, keptRequest, MAX_ATTACHMENT_BYTES, MAX_KEPT_ARGS } from './attachment.ts'
import { bytesDigest, MAX_ENTRY_BYTES, readEntry, salted } from './entry.ts'
import { createJournal, partiesOf } from './journal.ts'
import { agentSubject, createPseudonyms, TENANT_SUBJECT, userSubject } from './pseudonyms.ts'
import { createRefusals, FLUSH_MS, QUOTA } from './refusals.ts'
import { createSummaries } from './summaries.ts'

function desk() {
  const keyring = fakeKeyring()
  const store = fakeStore()
  const ledger = fakeLedger()
  const pseudonyms = createPseudonyms({ blobs: store.blobs, keyring })
  return { keyring, store, ledger, pseudonyms, journal: createJournal({ ledger, keyring, pseudonyms }) }
}

const SECRET = call({ args: { symbol: 'SECRET-SYMBOL' }, tool: 'get_quote' })

async function written() {
  const at = desk()
  const { tenant, state } = world()
  const { decision, events } = decide(state, SECRET)
  await at.journal.ready(partiesOf(SECRET))
  await at.journal.intent(tenant, SECRET, decision, events, null)
  const row = at.ledger.rows[0]
  assert.ok(row?.attachment)
  return { ...at, tenant, decision, row, attachment: row.attachment }
}

test('an intent is canonical JSON of digests and pseudonyms: no id of a subject and no value stands in it', async () => {
  const { row, decision, attachment } = await written()
  const text = new TextDecoder().decode(row.entry)
  for (const word of ['agent-1', 'user-1', 'task-1', 'SECRET', 'symbol', 'grant-1'])
    assert.ok(!text.includes(word), word)
  const entry = parseJson(row.entry) as Record<string, unknown>
  assert.equal(entry.type, 'intent')
  assert.equal(entry.id, decision.id)
  assert.equal(entry.attachmentDigest, bytesDigest(attachment))
  assert.ok(row.entry.length < MAX_ENTRY_BYTES)
  assert.notEqual(entry.argsDigest, decision.argsDigest, 'a digest that could be guessed')
  assert.deepEqual(readEntry(row.entry)?.id, decision.id)
})

test('the attachment opens with the subject key alone, and its salt verifies the digests of the entry', async () => {
  const { row, keyring, attachment, decision } = await written()
  await assert.rejects(keyring.open(TENANT, agentSubject('agent-1'), attachment))
  const opened = await keyring.open(TENANT, userSubject('user-1'), attachment)
  const kept = opened === null ? null : decodeAttachment(opened)
  assert.ok(kept?.type === 'intent')
  const entry = parseJson(row.entry) as Record<string, unknown>
  assert.equal(entry.argsDigest, salted(kept.salt, kept.request.operation.args))
  assert.equal(entry.evidenceDigest, salted(kept.salt, JSON.parse(JSON.stringify(decision.evidence))))
  assert.deepEqual(kept.decision, JSON.parse(JSON.stringify(decision)))
})

test('an outcome names its call and may use the reserve of the disk', async () => {
  const { journal, tenant, ledger } = await written()
  const { text: _text, structured: _structured, ...result } = ok('the answer')
  await journal.outcome(tenant, { id: 'x', at: START, parties: partiesOf(SECRET) }, result, [])
  const entry = parseJson(ledger.rows[1]?.entry ?? '') as Record<string, unknown>
  assert.deepEqual([entry.type, entry.id, entry.call, entry.status], ['outcome', 'x:outcome', 'x', 'ok'])
  assert.deepEqual(
    ledger.rows.map((row) => row.class),
    ['ordinary', 'essential'],
  )
})

test('arguments above the bound are left out and their size is said', () => {
  const large = call({ args: { text: 'x'.repeat(MAX_KEPT_ARGS) } })
  const kept = keptRequest(large)
  assert.deepEqual(kept.operation.args, {})
  assert.ok((kept.argsOmitted ?? 0) > MAX_KEPT_ARGS)
  assert.equal(keptRequest(call({ args: { text: 'x' } })).argsOmitted, null)
  assert.ok(MAX_KEPT_ARGS < MAX_ATTACHMENT_BYTES)
})

test('bytes that are none of ours are no entry and no attachment', () => {
  for (const text of [
    '',
    '{}',
    '[]',
    '{"v":1}',
    '{"v":2,"type":"intent","id":"a","tenant":"t","at":1}',
    '\u0000',
  ]) {
    assert.equal(readEntry(Buffer.from(text)), null, text)
    assert.equal(decodeAttachment(Buffer.from(text)), null, text)
  }
})

test('a pseudonym is stable over restarts, differs by subject and tenant, and ends with its key', async () => {
  const { keyring, store, pseudonyms } = desk()
  await pseudonyms.ready(TENANT, ['user:a', 'user:b'])
  await pseudonyms.ready('t2', ['user:a'])
  const name = pseudonyms.of(TENANT, 'user:a')
  assert.notEqual(pseudonyms.of(TENANT, 'user:b'), name)
  assert.notEqual(pseudonyms.of('t2', 'user:a'), name)
  const restarted = createPseudonyms({ blobs: store.blobs, keyring })
  assert.throws(() => restarted.of(TENANT, 'user:a'))
  await restarted.ready(TENANT, ['user:a'])
  assert.equal(restarted.of(TENANT, 'user:a'), name)
  for (const blob of await store.blobs.names('')) assert.ok(!blob.includes('user:'), blob)
})

test('parallel first uses agree on one pseudonym', async () => {
  const { pseudonyms } = desk()
  await Promise.all([1, 2, 3].map(() => pseudonyms.ready(TENANT, ['user:a'])))
  assert.equal(pseudonyms.of(TENANT, 'user:a').length, 22)
  assert.equal(TENANT_SUBJECT, 'tenant')
})

test('refusals: a quota one by one, then counts; time fills the quota up again', () => {
  const refusals = createRefusals()
  const admitted = (agent: string, at: number): boolean => refusals.admit(TENANT, agent, 'denied', at)
  for (let i = 0; i < QUOTA.burst; i++) assert.equal(admitted('a', START), true)
  assert.equal(admitted('a', START), false)
  assert.equal(refusals.admit(TENANT, 'a', 'revoked', START), false)
  assert.equal(admitted('b', START), true, 'quotas are apart')
  assert.deepEqual(refusals.due(START), [])
  assert.deepEqual(refusals.due(START + FLUSH_MS), [
    { tenant: TENANT, agent: 'a', since: START, counts: { denied: 1, revoked: 1 } },
  ])
  assert.deepEqual(refusals.due(START + FLUSH_MS), [], 'counts start anew')
  assert.equal(admitted('a', START + 2000 / QUOTA.perSecond), true)
})

test('summaries reach the store in one batch, outcome included, and are found before', async () => {
  const store = fakeStore()
  const summaries = createSummaries(store)
  const summary = summaryAt('one')
  summaries.add(summary)
  summaries.settle(TENANT, 'one', 'ok', 7)
  assert.deepEqual((await summaries.get(TENANT, 'one'))?.outcomeIndex, 7)
  await summaries.flush()
  assert.deepEqual(await store.decisions.get(TENANT, 'one'), { ...summary, result: 'ok', outcomeIndex: 7 })
  summaries.add(summaryAt('two'))
  await summaries.flush()
  summaries.settle(TENANT, 'two', 'failed', 9)
  summaries.add(summaryAt('one'))
  await summaries.flush()
  assert.equal((await store.decisions.get(TENANT, 'two'))?.result, 'failed')
  assert.equal(
    (await store.decisions.get(TENANT, 'one'))?.outcomeIndex,
    7,
    'a second telling changes nothing',
  )
  assert.equal(await summaries.get(TENANT, 'three'), null)
})

/** A store that counts its transactions. */
function countedStore() {
  const store = fakeStore()
  const count = { transactions: 0 }
  const tx: typeof store.tx = (work) => {
    count.transactions++
    return store.tx(work)
  }
  return { store, counted: { ...store, tx }, count }
}

test('what comes while summaries gather is one transaction, and is found before', async () => {
  const { store, counted, count } = countedStore()
  let open: () => void = () => undefined
  const gathered = new Promise<void>((resolve) => {
    open = resolve
  })
  const summaries = createSummaries(counted, () => gathered)
  summaries.add(summaryAt('one'))
  await new Promise((resolve) => setImmediate(resolve))
  summaries.settle(TENANT, 'one', 'ok', 7)
  summaries.add(summaryAt('two'))
  assert.equal((await summaries.get(TENANT, 'one'))?.outcomeIndex, 7)
  assert.equal(count.transactions, 0)
  open()
  await summaries.flush()
  assert.equal(count.transactions, 1)
  assert.equal((await store.decisions.get(TENANT, 'one'))?.outcomeIndex, 7)
  assert.ok(await store.decisions.get(TENANT, 'two'))
})

test('full batches of summaries wait for no others', async () => {
  const { store, counted, count } = countedStore()
  let gathers = 0
  const summaries = createSummaries(counted, async () => {
    gathers++
  })
  for (let i = 0; i < 450; i++) summaries.add(summaryAt(`full-${i}`))
  await summaries.flush()
  assert.deepEqual(
    [gathers, count.transactions],
    [2, 3],
    'before the first, and before the last, which is not full',
  )
  assert.ok(await store.decisions.get(TENANT, 'full-449'))
})

test('a store that fails holds up nobody, and is told again; until then a rebuild begins before what it lacks', async () => {
  const store = fakeStore()
  store.failing.add('decisions.insert')
  const summaries = createSummaries(store)
  assert.equal(summaries.from(), Number.POSITIVE_INFINITY)
  summaries.add(summaryAt('one'))
  assert.equal(summaries.from(), 3)
  await summaries.flush()
  assert.equal(await store.decisions.get(TENANT, 'one'), null)
  assert.equal(summaries.from(), 3, 'not in the store yet')
  assert.equal((await summaries.get(TENANT, 'one'))?.intentIndex, 3)
  summaries.settle(TENANT, 'one', 'ok', 4)
  summaries.add({ ...summaryAt('two'), intentIndex: 5 })
  await summaries.flush()
  assert.equal((await store.decisions.get(TENANT, 'one'))?.outcomeIndex, 4)
  assert.ok(await store.decisions.get(TENANT, 'two'))
  assert.equal(summaries.from(), Number.POSITIVE_INFINITY)
})

function summaryAt(id: string) {
  const decision: Decision = decide(world().state, call({ id, grant: grant() })).decision
  const { tenant, at, outcome, trust, risk, code } = decision
  const names = { agent: 'agent-1', user: 'user-1', task: 'task-1', server: 'market', tool: 'get_quote' }
  return {
    tenant,
    id,
    version: 1,
    at,
    ...names,
    outcome,
    trust,
    risk,
    code,
    result: null,
    intentIndex: 3,
    outcomeIndex: null,
  }
}
