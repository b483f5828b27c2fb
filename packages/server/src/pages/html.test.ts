import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { displayText, escapeHtml, html } from './html.ts'

describe('html', () => {
  it('escapes what is put in and keeps what it made itself', () => {
    const inner = html`<b>${'<i>'}</b>`
    assert.equal(
      html`<p title="${'"x'}">${inner}${null}${7}</p>`.markup,
      '<p title="&quot;x"><b>&lt;i&gt;</b>7</p>',
    )
  })

  it('escapes inside lists', () => {
    assert.equal(html`${['<', html`<br>`, ['&']]}`.markup, '&lt;<br>&amp;')
  })

  it('lets no text become markup or leave its attribute', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { markup } = html`${text}`
        assert.doesNotMatch(markup, /[<>"']/)
        assert.equal(escapeHtml(text), markup)
      }),
    )
  })

  it('does not take an object that looks like its own for text', () => {
    assert.equal(html`${'{"markup":"<script>"}'}`.markup, '{&quot;markup&quot;:&quot;&lt;script&gt;&quot;}')
  })
})

describe('displayText', () => {
  it('drops what changes the reading order or is not seen', () => {
    assert.equal(displayText('a\u202eb\u200bc\u0000d\ne\u2066'), 'a b c d e')
  })

  it('is bounded', () => {
    assert.equal(displayText('x'.repeat(300), 10), 'xxxxxxxxx…')
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 50 }),
        (text, limit) => displayText(text, limit).length <= limit,
      ),
    )
  })
})
