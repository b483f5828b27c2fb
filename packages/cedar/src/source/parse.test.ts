import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_PROBLEMS, MAX_TEXT_NESTING } from '../limits.ts'
import { policyText } from '../testing/generate.ts'
import { parsePolicies } from './parse.ts'
import { statements } from './scan.ts'
import { callWasm, wasmGeneration } from './wasm.ts'

const schema = 'entity U { name: String, n?: Long }; action read appliesTo { principal: U, resource: U };'
const allow = (condition: string) => `permit(principal, action, resource) when { ${condition} };`

test('ids come from the annotation, else from the place in the text, templates included', () => {
  const text = `@id("first") ${allow('true')}
    // a comment; with a semicolon and a "quote
    permit(principal == ?principal, action, resource);
    @note("x;\\"y") ${allow('"a;b" == "//c"')}
    @id ${allow('true')}`
  const source = parsePolicies(text)
  assert.deepEqual(source.errors, [])
  assert.deepEqual(
    source.policies.map(({ id, isTemplate }) => [id, isTemplate]),
    [
      ['first', false],
      ['policy1', true],
      ['policy2', false],
      ['policy3', false],
    ],
  )
  assert.deepEqual(source.policies[2]?.annotations, { note: 'x;"y' })
  assert.deepEqual(
    parsePolicies(text, { idAnnotation: false, idPrefix: 'p' }).policies.map(({ id }) => id),
    ['p0', 'p1', 'p2', 'p3'],
  )
  assert.equal(parsePolicies(text, { idAnnotation: 'note' }).policies[2]?.id, 'x;"y')
})

test('the scanner finds the statements that cedar-wasm finds', () => {
  const noise = fc.constantFrom('', ' ', '\n// forbid("; \n', '\r\n\t', '@a("\\";") ', '@b("//") ')
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, policyText), { maxLength: 5 }), (parts) => {
      const text = parts.map(([before, policy]) => before + policy).join('\n')
      const answer = callWasm((wasm) => wasm.policySetTextToParts(text))
      assert.equal(answer.type, 'success')
      if (answer.type === 'success') assert.equal(statements(text).length, answer.policies.length)
    }),
    { numRuns: 60, seed: 2 },
  )
})

test('a duplicate id is refused at the second policy', () => {
  const text = `@id("x") ${allow('true')}\n@id("x") ${allow('false')}`
  const source = parsePolicies(text)
  assert.equal(source.valid, false)
  assert.equal(source.errors[0]?.code, 'policy_duplicate_id')
  assert.deepEqual(source.errors[0]?.start, { offset: text.lastIndexOf('@id'), line: 2, column: 1 })
  assert.equal(
    parsePolicies(`@id("policy1") ${allow('true')}\n${allow('true')}`).errors[0]?.code,
    'policy_duplicate_id',
  )
})

test('a syntax error has its position in the whole text, in UTF-16 units', () => {
  const text = `@id("Ω😀") ${allow('true')}\n@note("é") permit(principal, action, resource) when { 1 == };`
  const [error] = parsePolicies(text).errors
  assert.equal(error?.code, 'policy_syntax')
  assert.equal(error?.start?.line, 2)
  assert.equal(text.charAt(error?.start?.offset ?? 0), '}')
  assert.match(error?.help ?? '', /expected/)
})

test('every broken statement is reported, and the others still parse', () => {
  const source = parsePolicies(`permit(;${allow('true')} nonsense; "unterminated`)
  assert.equal(source.errors.length, 3)
  assert.deepEqual(
    source.policies.map(({ id }) => id),
    ['policy1'],
  )
})

test('a text with no end of problems is not read to its end', () => {
  for (const [many, options] of [
    ['permit(;\n', {}],
    [`@id("x") ${allow('true')}\n`, {}],
    [`${allow('principal.nam == "x"')}\n`, { schema }],
    [`${allow('principal.name == "x" && false')}\n`, { schema }],
  ] as const) {
    const { errors, warnings, valid } = parsePolicies(many.repeat(MAX_PROBLEMS + 100), options)
    assert.equal(errors.length + warnings.length, MAX_PROBLEMS)
    assert.equal(valid, warnings.length > 0)
  }
})

test('strict validation names attribute, action and type, with a suggestion and a place', () => {
  const text = `${allow('true')}\n${allow('principal.nam == "x"')}\npermit(principal, action == Action::"raed", resource);\n${allow('principal.n < 3')}\n${allow('principal.name < 3')}`
  const { errors, valid } = parsePolicies(text, { schema })
  assert.equal(valid, false)
  const of = (id: string) => errors.find((error) => error.policyId === id)
  assert.equal(of('policy1')?.help, 'did you mean `name`?')
  assert.equal(of('policy1')?.start?.line, 2)
  assert.equal(text.slice(of('policy1')?.start?.offset, of('policy1')?.end?.offset), 'principal.nam')
  assert.match(of('policy2')?.help ?? '', /Action::"read"/)
  assert.match(of('policy3')?.message ?? '', /optional attribute/)
  assert.match(of('policy4')?.message ?? '', /expected.*Long|unexpected type/)
  assert.equal(of('policy0'), undefined)
})

test('warnings do not make a policy set invalid', () => {
  const source = parsePolicies(allow('principal.name == "x" && false'), { schema })
  assert.equal(source.valid, true)
  assert.match(source.warnings[0]?.message ?? '', /impossible/)
})

test('a bad schema is an error of the schema, with its place', () => {
  const [error] = parsePolicies(allow('true'), { schema: 'entity U { name: Strin };' }).errors
  assert.equal(error?.code, 'schema_invalid')
  assert.deepEqual(error?.start, { offset: 17, line: 1, column: 18 })
  for (const bad of ['{', '{"": 3}', 'entity']) {
    assert.equal(parsePolicies(allow('true'), { schema: bad }).errors[0]?.code, 'schema_invalid', bad)
  }
})

test('nesting beyond the bound is refused before cedar-wasm sees it', () => {
  const before = wasmGeneration()
  for (const [open, close] of [
    ['(', ')'],
    ['[', ']'],
    ['!(', ')'],
    ['{a: ', '}'],
    ['ip(', ')'],
  ] as const) {
    for (const depth of [1000, 50_000]) {
      const [error] = parsePolicies(allow(`${open.repeat(depth)}true${close.repeat(depth)}`)).errors
      assert.equal(error?.code, 'limit_exceeded', open)
      assert.equal(error?.start?.line, 1)
    }
    const within = parsePolicies(
      allow(`${open.repeat(MAX_TEXT_NESTING - 3)}true${close.repeat(MAX_TEXT_NESTING - 3)} == 1`),
    )
    assert.deepEqual(within.errors, [], open)
  }
  const set = `entity U { a: ${'Set<'.repeat(2000)}Long${'>'.repeat(2000)} };`
  assert.equal(parsePolicies(allow('true'), { schema: set }).errors[0]?.code, 'limit_exceeded')
  assert.equal(wasmGeneration(), before)
})

test('a chain that exhausts cedar-wasm is refused, and cedar-wasm works again afterwards', () => {
  const before = wasmGeneration()
  const [error] = parsePolicies(allow(`${'1 + '.repeat(20_000)}1 == 2`)).errors
  assert.equal(error?.code, 'limit_exceeded')
  assert.ok(wasmGeneration() > before)
  assert.deepEqual(parsePolicies(allow('true'), { schema }).errors, [])
})
