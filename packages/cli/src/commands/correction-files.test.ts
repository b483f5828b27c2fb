import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { differenceLines, parseCorrections, writeCorrections } from './correction-files.ts'

const YAML = `# what mail does
tools:
  mail/send:
    effect: write
    args: { to: recipient, Bcc: recipient }
  "mail/read": { effect: read }
`

describe('a file of corrections', () => {
  it('says where everything in it stands, in YAML as in JSON', () => {
    const read = parseCorrections(YAML, 'roles.yaml')
    assert.deepEqual(read.tools, {
      'mail/send': { effect: 'write', args: { to: 'recipient', Bcc: 'recipient' } },
      'mail/read': { effect: 'read' },
    })
    assert.deepEqual(read.placeOf(['mail/send']), { line: 3, column: 3 })
    assert.deepEqual(read.placeOf(['mail/send', 'effect']), { line: 4, column: 5 })
    assert.deepEqual(read.placeOf(['mail/send', 'args', 'Bcc']), { line: 5, column: 28 })
    assert.deepEqual(read.placeOf(['mail/send', 'args', 'none']), { line: 5, column: 5 }, 'what is around it')
    const json = parseCorrections('{"tools":\n {"a/b": {"effect": "write"}}}', 'roles.json')
    assert.deepEqual(json.placeOf(['a/b', 'effect']), { line: 2, column: 11 })
  })

  it('comes back as it was written', () => {
    const { tools } = parseCorrections(YAML, 'roles.yaml')
    assert.deepEqual(parseCorrections(writeCorrections(null, tools), 'again').tools, tools)
    assert.deepEqual(parseCorrections(writeCorrections(null, {}), 'none').tools, {})
  })

  it('refuses what is no such file, with the place', () => {
    const cases: [string, RegExp][] = [
      ['tools:\n  a/b: {effect: read}\n  a/b: {}\n', /^f:3:3: .*unique/],
      ['tools: {}\nother: 1\n', /^f:2:1: .*under "tools"/],
      ['tools: [1]\n', /^f:1:1: .*an object of corrections/],
      ['', /^f:1:1: /],
      ['tools:\n  a/b: &x {effect: read}\n  c/d: *x\n', /by reference/],
      ['tools: !!js/function "x"\n', /^f:1:8: /],
      [`tools: ${'['.repeat(20_000)}`, /^f/],
      [`tools: {a: "${'x'.repeat(1024 * 1024)}"}`, /larger than 1 MiB/],
    ]
    for (const [source, message] of cases)
      assert.throws(
        () => parseCorrections(source, 'f'),
        (error) => isSafeconductError(error) && error.code !== 'internal' && message.test(error.message),
        source.slice(0, 60),
      )
  })

  it('shows a difference fact by fact', () => {
    const lines = differenceLines([
      {
        tool: 'mail/send',
        before: { effect: 'read', ownData: true },
        after: { effect: 'write', args: { to: 'recipient' } },
      },
      { tool: 'mail/read', before: { effect: 'read' }, after: null },
    ])
    assert.deepEqual(lines, [
      'mail/send',
      '  + args.to: recipient',
      '  ~ effect: read → write',
      '  - ownData: true',
      'mail/read',
      '  - effect: read',
    ])
  })
})
