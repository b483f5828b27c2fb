import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCookieJar } from './browser.ts'
import { chooseButton, chooseForm, fillForm, parseForms } from './html-form.ts'

const PAGE = `<!doctype html><title>Consent</title>
<!-- <form action="/comment"><input name=no></form> -->
<script>const s = '<form action="/script"></form>'</script>
<form action="/search"><input name="q"></form>
<form action='/consent?x=1&amp;y=2' method=POST>
  <input type="hidden" name="csrf" value="a&quot;b>c">
  <label><input type=checkbox name=tool value=read checked> read</label>
  <label><input type=checkbox name=tool value=write> write</label>
  <input type=checkbox name=remember>
  <input type=radio name=until value=hour checked><input type=radio name=until value=day>
  <select name="limit"><option value="1">one<option value="2" selected>two</select>
  <textarea name=intent>Buy &#39;milk&#x21;</textarea>
  <input name=off disabled value=x><input name="plain" value="">
  <button type=button name=help>Help</button>
  <button name="decision" value="deny">Deny</button>
  <button name="decision" value="allow"><b>Allow</b> it</button>
</form>`

test('a page is read as its visible forms', () => {
  const forms = parseForms(PAGE)
  assert.deepEqual(
    forms.map(({ action, method }) => [method, action]),
    [
      ['get', '/search'],
      ['post', '/consent?x=1&y=2'],
    ],
  )
  assert.deepEqual(
    forms[1]?.buttons.map(({ label }) => label),
    ['Deny', 'Allow it'],
  )
})

test('an untouched form sends what the page says', () => {
  const form = parseForms(PAGE)[1]
  assert.ok(form)
  assert.deepEqual(Object.fromEntries(fillForm(form, {}, undefined)), {
    csrf: 'a"b>c',
    tool: 'read',
    until: 'hour',
    limit: '2',
    intent: "Buy 'milk!",
    plain: '',
  })
})

test('given fields override, boxes are ticked by value, and the wanted button is pressed', () => {
  const forms = parseForms(PAGE)
  const fields = { tool: ['write'], until: 'day', limit: '1', remember: 'on', plain: 'p', unknown: 'u' }
  const form = chooseForm(forms, fields, ['allow'])
  assert.ok(form)
  const sent = fillForm(form, fields, chooseButton(form, ['nothing', 'ALLOW']))
  assert.deepEqual(Object.fromEntries(sent), {
    csrf: 'a"b>c',
    tool: 'write',
    remember: 'on',
    until: 'day',
    limit: '1',
    intent: "Buy 'milk!",
    plain: 'p',
    decision: 'allow',
  })
  assert.equal(fillForm(form, { tool: [] }, undefined).has('tool'), false)
  assert.equal(chooseButton(form, ['decision=allow'])?.label, 'Allow it')
  assert.equal(chooseButton(form, ['absent'])?.label, 'Deny')
})

test('the form with a wanted button wins over one with a known field, that over the first', () => {
  const forms = parseForms(PAGE)
  assert.equal(chooseForm(forms, { q: 'x' }, ['Deny'])?.method, 'post')
  assert.equal(chooseForm(forms, { csrf: 'x' }, [])?.method, 'post')
  assert.equal(chooseForm(forms, {}, [])?.action, '/search')
  assert.equal(chooseForm([], {}, []), undefined)
})

test('cookies go back to their host and path until they expire', () => {
  const jar = createCookieJar()
  const at = (path: string, host = 'a.test') => new URL(`http://${host}${path}`)
  jar.take(at('/oauth/login'), ['sid=1; Path=/; HttpOnly', 'step=2', 'gone=3; Path=/; Max-Age=0', 'noise'])
  assert.deepEqual(jar.header(at('/oauth/consent')), { cookie: 'sid=1; step=2' })
  assert.deepEqual(jar.header(at('/oauthother')), { cookie: 'sid=1' })
  assert.deepEqual(jar.header(at('/', 'b.test')), {})
  jar.take(at('/'), ['sid=9; Path=/'])
  assert.deepEqual(jar.header(at('/')), { cookie: 'sid=9' })
  jar.take(at('/'), ['sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT'])
  assert.deepEqual(jar.header(at('/')), {})
})
