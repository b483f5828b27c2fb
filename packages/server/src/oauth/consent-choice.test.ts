import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TaskDetails } from '@safeconduct/protocol'
import { askedDetails, coveredTools, LONGEST_TASK, readChoice } from './consent-choice.ts'
import { OAuthError } from './errors.ts'
import { formOf } from './http.ts'

const NOW = 1_700_000_000_000
const asked = (more: Partial<TaskDetails> = {}): TaskDetails => ({
  type: 'safeconduct_task',
  servers: ['market', 'mail'],
  ...more,
})
const choose = (text: string, from = asked(), wantsWrite = true) =>
  readChoice(formOf(new URLSearchParams(text)), from, wantsWrite, NOW)
const BASE = 'lifetime=3600&server=market&server=mail&tool=market/*&tool=mail/*'

describe('what is asked', () => {
  it('stays within the servers of the resources', () => {
    assert.deepEqual(askedDetails(['market'], null).servers, ['market'])
    assert.deepEqual(askedDetails(['market', 'mail'], asked({ servers: ['mail'] })).servers, ['mail'])
    assert.throws(() => askedDetails(['market'], asked({ servers: ['mail'] })), OAuthError)
  })

  it('covers everything, a pattern, or names', () => {
    const known = ['market/quote', 'market/order']
    assert.deepEqual(coveredTools(asked(), 'market', known), { patterns: ['market/*'], tools: known })
    assert.deepEqual(coveredTools(asked({ tools: ['market/*'] }), 'market', known), {
      patterns: ['market/*'],
      tools: known,
    })
    assert.deepEqual(coveredTools(asked({ tools: ['market/quote', 'mail/send'] }), 'market', known), {
      patterns: [],
      tools: ['market/quote'],
    })
    assert.deepEqual(coveredTools(asked({ tools: [] }), 'market', known), { patterns: [], tools: [] })
  })
})

describe('what is chosen', () => {
  it('is everything when everything is left ticked', () => {
    const choice = choose(`${BASE}&tool=market/quote&write=yes`)
    assert.equal(choice.details.tools, undefined)
    assert.deepEqual(choice.details.servers, ['market', 'mail'])
    assert.equal(choice.details.expires, NOW / 1000 + 3600)
    assert.equal(choice.until, NOW + 3_600_000)
    assert.equal(choice.write, true)
    assert.equal(choice.intent, null)
  })

  it('is the ticked tools of the ticked servers', () => {
    assert.deepEqual(choose('lifetime=3600&server=market&tool=market/quote&tool=mail/send').details.tools, [
      'market/quote',
    ])
    assert.deepEqual(choose('lifetime=3600&server=market').details.tools, [])
    assert.deepEqual(
      choose('lifetime=3600&server=market&server=mail&tool=market/*&tool=market/quote&tool=mail/send').details
        .tools,
      ['market/*', 'mail/send'],
    )
  })

  it('is without a tool that was shown and unticked, whatever else is ticked', () => {
    const shown = `${BASE}&listed=market/quote&listed=market/order&tool=market/quote`
    assert.deepEqual(choose(shown).details.tools, ['mail/*', 'market/quote'])
    assert.equal(choose(`${shown}&tool=market/order`).details.tools, undefined, 'all ticked is everything')
    assert.deepEqual(
      choose(
        'lifetime=3600&server=market&tool=market/*&listed=market/quote&listed=market/order&tool=market/quote',
        asked({ tools: ['market/*'] }),
      ).details.tools,
      ['market/quote'],
    )
  })

  it('is never more than was asked', () => {
    const narrow = asked({ servers: ['market'], tools: ['market/quote'], budget: { calls: 3 } })
    for (const bad of [
      'lifetime=3600&server=market&tool=market/*',
      'lifetime=3600&server=market&tool=market/order',
      'lifetime=3600&server=mail',
      'lifetime=3600&server=market&calls=4',
    ]) {
      assert.throws(() => choose(bad, narrow), /only narrow/, bad)
    }
    assert.equal(choose(`${BASE}&write=yes`, asked(), false).write, false)
    const soon = asked({ expires: NOW / 1000 + 60 })
    assert.equal(choose(BASE, soon).details.expires, NOW / 1000 + 60)
  })

  it('keeps limits that were asked when the person leaves them out', () => {
    const limited = asked({ budget: { calls: 3, writes: 1, sums: { 'market/order:amount': 9 } } })
    assert.deepEqual(choose(BASE, limited).details.budget, limited.budget)
    assert.deepEqual(choose(`${BASE}&calls=2`, limited).details.budget, { ...limited.budget, calls: 2 })
  })

  it('may be nothing where there is nothing to choose', () => {
    assert.deepEqual(choose('lifetime=3600', asked({ servers: [] })).details.servers, [])
  })

  it('takes words as they are, line ends aside', () => {
    assert.equal(choose(`${BASE}&intent=%20a%0D%0Ab%0Dc%20`).intent, 'a\nb\nc')
    assert.equal(choose(`${BASE}&intent=%20%0A`).intent, null)
  })

  it('is refused when it is not one of the choices', () => {
    for (const bad of [
      BASE.replace('3600', '59'),
      BASE.replace('3600', String(LONGEST_TASK + 1)),
      BASE.replace('3600', '1e3'),
      BASE.replace('lifetime=3600&', ''),
      'lifetime=3600',
      `${BASE}&calls=-1`,
      `${BASE}&writes=1.5`,
      `${BASE}&calls=0x10`,
      `${BASE}&calls=1&calls=2`,
      `${BASE}&intent=${'x'.repeat(4001)}`,
    ]) {
      assert.throws(() => choose(bad), OAuthError, bad)
    }
    assert.throws(() => choose(BASE, asked({ expires: NOW / 1000 - 1 })), /expired/)
  })
})
