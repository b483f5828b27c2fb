import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createOutput, plain, table, when } from './output.ts'

function capture() {
  const written = { out: '', err: '' }
  const stream = (name: 'out' | 'err') =>
    ({
      write(text: string) {
        written[name] += text
        return true
      },
    }) as NodeJS.WriteStream
  return { written, streams: { out: stream('out'), err: stream('err') } }
}

describe('output', () => {
  it('aligns columns by their widest cell', () => {
    assert.equal(
      table(
        ['NAME', 'RISK', 'WHY'],
        [
          ['trader', 3, 'x'],
          ['a', 100, ''],
        ],
      ),
      'NAME    RISK  WHY\ntrader  3     x\na       100   ',
    )
  })

  it('cannot be made to move the cursor', () => {
    assert.equal(plain('a\u001b[2Jb\u202ec'), 'a\ufffd[2Jb\ufffdc')
  })

  it('lets nothing through to a terminal that it would obey, whoever put it there', () => {
    const hostile = 'a\u001b[2J\u009b31m\u202eb'
    for (const json of [false, true]) {
      const { written, streams } = capture()
      const output = createOutput(json, streams)
      output.note(hostile)
      output.result({ [hostile]: hostile }, () => `it says ${hostile}\nand more`)
      const said = written.out + written.err
      assert.deepEqual(
        ['\u001b', '\u009b', '\u202e'].filter((one) => said.includes(one)),
        [],
      )
      if (json) assert.deepEqual(JSON.parse(written.out), { [hostile]: hostile }, 'the same value')
      else assert.equal(written.out.split('\n').length, 3)
    }
    assert.equal(table(['NAME'], [['a\nROW OF ITS OWN']]), 'NAME\na ROW OF ITS OWN')
  })

  it('under --json writes one JSON value and no note', () => {
    const { written, streams } = capture()
    const output = createOutput(true, streams)
    output.note('working…')
    output.result({ a: 1 }, () => 'one')
    assert.deepEqual(JSON.parse(written.out), { a: 1 })
    assert.equal(written.err, '')
  })

  it('for people writes the sentence, and notes beside it', () => {
    const { written, streams } = capture()
    const output = createOutput(false, streams)
    output.note('working…')
    output.result({ a: 1 }, () => 'one')
    assert.equal(written.out, 'one\n')
    assert.equal(written.err, 'working…\n')
  })
})

it('a time says in which zone it is', () => {
  const zone = process.env.TZ
  try {
    for (const [name, shown] of [
      ['UTC', '2026-03-01 08:30:00Z'],
      ['Asia/Kolkata', '2026-03-01 14:00:00 +05:30'],
      ['America/St_Johns', '2026-03-01 05:00:00 -03:30'],
    ] as const) {
      process.env.TZ = name
      assert.equal(when(Date.UTC(2026, 2, 1, 8, 30)), shown)
    }
  } finally {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  }
})
