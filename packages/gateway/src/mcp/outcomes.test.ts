import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERROR_TABLE, type ErrorCode, type JsonObject } from '@safeconduct/protocol'
import fc from 'fast-check'
import { gatewaySettings } from '../settings.ts'
import { decisionOf } from '../testing/fake-decider.ts'
import { grant } from '../testing/world.ts'
import {
  canOpenUrl,
  type Form,
  type OutcomeCase,
  outcomeRow,
  type Refusal,
  refusalAnswer,
  refusalHeaders,
  refusalOf,
} from './outcomes.ts'
import { REVISIONS } from './revisions.ts'

const settings = gatewaySettings({ publicUrl: 'https://gate.example' })
const given = (extra: Partial<OutcomeCase>): OutcomeCase => ({
  outcome: 'deny',
  code: 'denied',
  revision: '2025-11-25',
  transport: 'http',
  kind: 'tool',
  url: false,
  ...extra,
})

/** Every cell that is told apart. */
const CELLS: readonly (readonly [string, Partial<OutcomeCase>, Form, number])[] = [
  ['a refused tool', {}, 'tool_error', 200],
  ['a refused resource', { kind: 'resource' }, 'rpc_error', 200],
  ['a refused listing', { kind: 'list' }, 'rpc_error', 200],
  ['an unknown tool', { code: 'unknown_tool' }, 'rpc_error', 200],
  ['a revoked grant', { code: 'revoked' }, 'challenge', 401],
  ['a revoked grant on stdio', { code: 'revoked', transport: 'stdio' }, 'tool_error', 200],
  ['a missing scope', { code: 'insufficient_scope' }, 'challenge', 403],
  ['a missing scope on stdio', { code: 'insufficient_scope', transport: 'stdio' }, 'tool_error', 200],
  ['doubt about the credential', { outcome: 'step_up', code: 'step_up_required' }, 'challenge', 401],
  [
    'the same on stdio',
    { outcome: 'step_up', code: 'step_up_required', transport: 'stdio' },
    'tool_error',
    200,
  ],
  [
    'approval, oldest revision',
    { outcome: 'approval', revision: '2025-06-18', url: true },
    'tool_error',
    200,
  ],
  ['approval with a URL', { outcome: 'approval', url: true }, 'url_error', 200],
  ['approval without a URL', { outcome: 'approval' }, 'tool_error', 200],
  ['approval, stateless', { outcome: 'approval', revision: '2026-07-28', url: true }, 'input_required', 200],
  ['approval, stateless without URL', { outcome: 'approval', revision: '2026-07-28' }, 'tool_error', 200],
  ['approval on stdio', { outcome: 'approval', url: true, transport: 'stdio' }, 'url_error', 200],
  ['approval of a resource', { outcome: 'approval', kind: 'resource' }, 'rpc_error', 200],
]

describe('the outcome table', () => {
  for (const [name, cell, form, status] of CELLS) {
    it(`${name}: ${form}`, () => {
      const row = outcomeRow(given(cell))
      assert.deepEqual([row.form, row.status], [form, status])
      if (cell.outcome === 'approval') assert.equal(row.resume, true)
    })
  }

  it('has a row for everything, and never a challenge on stdio', () => {
    const codes = Object.keys(ERROR_TABLE).filter((code): code is ErrorCode => code in ERROR_TABLE)
    const cases = fc.record({
      outcome: fc.constantFrom('deny' as const, 'approval' as const, 'step_up' as const),
      code: fc.constantFrom(...codes),
      revision: fc.constantFrom(...REVISIONS),
      transport: fc.constantFrom('http' as const, 'stdio' as const),
      kind: fc.constantFrom(
        'tool' as const,
        'resource' as const,
        'prompt' as const,
        'list' as const,
        'session' as const,
      ),
      url: fc.boolean(),
    })
    fc.assert(
      fc.property(cases, (cell) => {
        const row = outcomeRow(cell)
        if (cell.transport === 'stdio') assert.notEqual(row.form, 'challenge')
        if (row.form === 'tool_error') assert.equal(cell.kind, 'tool')
        if (row.form === 'input_required') assert.ok(cell.url && cell.revision === '2026-07-28')
        assert.ok(row.status === 200 || row.form === 'challenge')
      }),
    )
  })
})

const refusal: Refusal = {
  code: 'approval_required',
  remedy: 'A person has to approve this.',
  decision: 'd-1',
  approval: 'ap-1',
  url: 'https://gate.example/approvals/ap-1',
}

describe('what the agent is told', () => {
  it('is a result it can read, without claims about the tool’s own output', () => {
    const answer = refusalAnswer('tool_error', refusal, '2025-11-25', null)
    assert.ok(answer.ok)
    assert.equal(answer.result.isError, true)
    assert.ok(!('structuredContent' in answer.result) && !('resultType' in answer.result))
    const text = JSON.stringify(answer.result.content)
    for (const part of [
      'approval_required',
      'A person has to',
      'd-1',
      'ap-1',
      'https://gate.example/approvals/ap-1',
    ]) {
      assert.ok(text.includes(part), part)
    }
  })

  it('is complete on the stateless revision', () => {
    const answer = refusalAnswer('tool_error', refusal, '2026-07-28', null)
    assert.ok(answer.ok && answer.result.resultType === 'complete')
  })

  it('is -32042 with the page, where the client can open it', () => {
    const answer = refusalAnswer('url_error', refusal, '2025-11-25', null)
    assert.ok(!answer.ok && answer.error.code === -32042)
    const { elicitations } = answer.error.data as JsonObject
    assert.deepEqual(elicitations, [
      { mode: 'url', message: refusal.remedy, url: refusal.url, elicitationId: 'ap-1' },
    ])
  })

  it('is a question with a sealed state on the stateless revision', () => {
    const answer = refusalAnswer('input_required', refusal, '2026-07-28', 'sealed')
    assert.ok(
      answer.ok && answer.result.resultType === 'input_required' && answer.result.requestState === 'sealed',
    )
  })

  it('falls back to an error when there is no page or no state', () => {
    const { approval: _, url: __, ...bare } = refusal
    for (const form of ['url_error', 'input_required'] as const) {
      const answer = refusalAnswer(form, bare, '2026-07-28', null)
      assert.ok(!answer.ok && answer.error.code === ERROR_TABLE.approval_required.rpc)
    }
  })

  it('holds nothing but code, remedy, id and the handle, whatever the decision knows', () => {
    const request = {
      id: 'd-1',
      at: 0,
      grant: grant(),
      proof: { kind: 'bearer', provenAt: null },
      operation: { server: 's', method: 'tools/call', kind: 'tool', name: 't', args: { secret: 'value' } },
      context: { channel: 'http', ip: null, client: null },
    } as const
    const decision = {
      ...decisionOf(request, { outcome: 'deny', code: 'denied', remedy: 'No.' }),
      why: ['risk 71 is above 70'],
      policies: [{ layer: 'agent', id: 'secret-policy', effect: 'forbid' }] as const,
      risk: 71,
      approval: 'ap-9',
    }
    const told = refusalOf(decision, outcomeRow(given({})), settings)
    assert.deepEqual(told, { code: 'denied', remedy: 'No.', decision: 'd-1' })
  })

  it('has a sentence also when the decision has none', () => {
    const row = outcomeRow(given({}))
    const request = {
      id: 'd',
      at: 0,
      grant: grant(),
      proof: { kind: 'local', provenAt: null },
      operation: { server: 's', method: 'm', kind: 'tool', name: 't', args: {} },
      context: { channel: 'api', ip: null, client: null },
    } as const
    assert.equal(
      refusalOf(decisionOf(request, { outcome: 'deny' }), row, settings).remedy,
      ERROR_TABLE.denied.message,
    )
  })

  it('is challenged only where the row says so', () => {
    const input = { code: 'revoked', server: 's', scheme: null } as const
    assert.deepEqual(refusalHeaders(outcomeRow(given({})), settings, input), {})
    const row = outcomeRow(given({ code: 'revoked' }))
    assert.equal(refusalHeaders(row, settings, input)['www-authenticate']?.length, 2)
  })
})

it('knows which clients can send a person to a page', () => {
  assert.equal(canOpenUrl({ elicitation: { url: {} } }), true)
  for (const capabilities of [
    {},
    { elicitation: {} },
    { elicitation: { form: {} } },
    { elicitation: 'url' },
  ]) {
    assert.equal(canOpenUrl(capabilities), false)
  }
})
