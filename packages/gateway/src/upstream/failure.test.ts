import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SafeconductError } from '@safeconduct/protocol'
import { effectOf, fromConnection, nonsense, upstreamFailure } from './failure.ts'

const withCode = (code: string, cause?: unknown) => Object.assign(new Error('x', { cause }), { code })

describe('failures of upstreams', () => {
  for (const [code, expected, effect] of [
    ['ECONNREFUSED', 'upstream_unavailable', 'none'],
    ['ENOTFOUND', 'upstream_unavailable', 'none'],
    ['UND_ERR_CONNECT_TIMEOUT', 'upstream_unavailable', 'none'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream_tls', 'none'],
    ['CERT_HAS_EXPIRED', 'upstream_tls', 'none'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'upstream_tls', 'none'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'upstream_tls', 'none'],
    ['HPE_INVALID_CONSTANT', 'upstream_invalid', 'unknown'],
    ['UND_ERR_SOCKET', 'upstream_unavailable', 'unknown'],
    ['ECONNRESET', 'upstream_unavailable', 'unknown'],
    ['SOMETHING_ELSE', 'upstream_unavailable', 'unknown'],
  ] as const) {
    it(`${code} is ${expected}, effect ${effect}`, () => {
      for (const error of [
        withCode(code),
        withCode('WRAPPER', withCode(code)),
        new AggregateError([withCode(code)]),
      ]) {
        const failure = fromConnection(error)
        assert.deepEqual([failure.code, effectOf(failure)], [expected, effect])
      }
    })
  }

  it('of ours pass, and nothing was sent', () => {
    const failure = fromConnection(new Error('lookup', { cause: new SafeconductError('ssrf_refused') }))
    assert.deepEqual([failure.code, effectOf(failure)], ['ssrf_refused', 'none'])
  })

  it('may have had an effect unless they say otherwise', () => {
    assert.equal(effectOf(new SafeconductError('internal')), 'unknown')
    assert.equal(effectOf(upstreamFailure('upstream_invalid', 'none')), 'none')
  })

  it('name what was wrong with an answer, never what was in it', () => {
    const failure = nonsense(new SafeconductError('duplicate_key'))
    assert.equal(failure.code, 'upstream_invalid')
    assert.match(failure.message, /key given twice/)
    assert.equal(nonsense(failure), failure)
    assert.doesNotMatch(nonsense(new Error('secret body')).message, /secret/)
  })
})
