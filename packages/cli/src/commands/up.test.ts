import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Greeting, greeting } from './up.ts'

const shown: Greeting = {
  url: 'http://localhost:7070',
  data: '.safeconduct',
  enforcement: 'enforce',
  signIn: 'http://localhost:7070/signin#secret',
  desk: 'live',
}
const commands = (text: string): readonly string[] => text.match(/\.\/safeconduct .*/g) ?? []

describe('what up prints', () => {
  it('fits a screen: where it listens, the link once, three commands that work as they stand', () => {
    for (const desk of ['live', 'played', 'suspended', 'revoked', 'absent'] as const) {
      const text = greeting({ ...shown, desk })
      assert.ok(text.split('\n').length <= 20)
      assert.ok(text.includes('listens on http://localhost:7070\n'))
      assert.equal(text.split('#secret').length, 2)
      assert.equal(commands(text).length, 3)
      assert.doesNotMatch(text, /--data/)
    }
  })

  it('names the data in every command when they are elsewhere', () => {
    for (const command of commands(greeting({ ...shown, data: '../elsewhere' })))
      assert.match(command, / --data \.\.\/elsewhere/)
  })

  it('does not call a desk live that only shows what it did before', () => {
    for (const desk of ['played', 'revoked'] as const)
      assert.doesNotMatch(greeting({ ...shown, desk }), /live/)
  })

  it('does not call a desk live whose agent is suspended', () => {
    const text = greeting({ ...shown, desk: 'suspended' })
    assert.doesNotMatch(text, /live/)
    assert.ok(commands(text).includes('./safeconduct agents trust trader'))
  })
})
