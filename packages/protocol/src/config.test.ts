import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readConfig } from './config.ts'

describe('readConfig', () => {
  it('has a default for everything', () => {
    const config = readConfig({ PATH: '/bin' })
    assert.equal(config.SAFECONDUCT_PORT, 7070)
    assert.equal(config.SAFECONDUCT_ENFORCEMENT, 'enforce')
  })

  it('refuses a name it does not know, so that a slip cannot switch a protection off', () => {
    assert.throws(
      () => readConfig({ SAFECONDUCT_ENFORCMENT: 'enforce' }),
      /SAFECONDUCT_ENFORCMENT is not a setting/,
    )
  })

  it('names the setting whose value is wrong', () => {
    assert.throws(() => readConfig({ SAFECONDUCT_PORT: '70000' }), /SAFECONDUCT_PORT/)
    assert.throws(() => readConfig({ SAFECONDUCT_DCR: 'yes' }), /SAFECONDUCT_DCR/)
  })
})
