import assert from 'node:assert/strict'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql as tag,
} from 'kysely'
import type { EntityInput } from '../entities/entity-json.ts'
import { EntityStore } from '../entities/entity-store.ts'
import { CedarError } from '../errors.ts'
import { compile } from '../policy-set.ts'
import { parseSchema } from '../schema/schema.ts'
import { predicate } from './predicate.ts'
import { residual } from './residual.ts'
import { type SqlMapping, toSql, toTemplate } from './sql.ts'

const schema = `
  entity Team in [Team];
  entity User in [Team] { level: Long, teams: Set<Team>, name: String };
  entity Folder in [Folder];
  entity Doc in [Folder] {
    owner: User, team?: Team, size: Long, limit?: Long, title?: String, public: Bool, price: decimal,
    at?: datetime, labels: Set<String>, meta?: { note: String, rank?: Long } };
  action read appliesTo { principal: User, resource: Doc, context: { level: Long, flag?: Bool } };`

const uid = (type: string, id: string) => ({ type, id })
const people: EntityInput[] = [
  { uid: uid('Team', 'sub'), parents: [uid('Team', 'top')] },
  { uid: uid('Team', 'top') },
  { uid: uid('Folder', 'inner'), parents: [uid('Folder', 'outer')] },
  { uid: uid('Folder', 'outer') },
  {
    uid: uid('User', 'ann'),
    attrs: { level: 2, teams: [uid('Team', 'sub')], name: 'a*' },
    parents: [uid('Team', 'sub')],
  },
  { uid: uid('User', 'bob'), attrs: { level: 0, teams: [], name: '' }, parents: [] },
]

/** Every combination that matters of what a document can be, absent parts included. */
function documents(): EntityInput[] {
  const options: Record<string, readonly unknown[]> = {
    owner: [uid('User', 'ann'), uid('User', 'bob')],
    team: [undefined, uid('Team', 'sub'), uid('Team', 'top')],
    size: [1, 3],
    limit: [undefined, 2],
    title: [undefined, 'a*b', 'Ab'],
    public: [true, false],
    labels: [[], ['x', 'y']],
    meta: [undefined, { note: 'n' }, { note: 'm', rank: 1 }],
  }
  let combinations: Record<string, unknown>[] = [{}]
  for (const [name, values] of Object.entries(options)) {
    combinations = combinations.flatMap((each) =>
      values.map((value) => (value === undefined ? each : { ...each, [name]: value })),
    )
  }
  // A third of them are enough to tell conditions apart; parents, prices and times go round.
  return combinations
    .filter((_, i) => i % 3 === 0)
    .map((attrs, i) => ({
      uid: uid('Doc', `d${i}`),
      attrs: {
        ...attrs,
        price: ['1.0', '2.5'][i % 2],
        ...(i % 5 < 2 ? {} : { at: ['2024-01-01', '2024-06-01'][i % 2] }),
      },
      parents: [[], [uid('Folder', 'inner')], [uid('Folder', 'outer')]][i % 3] ?? [],
    }))
}

const store = EntityStore.from([...people, ...documents()], { schema: parseSchema(schema) })
const rows = [...store.values()].filter((entity) => entity.uid.type === 'Doc')

const hierarchy: Record<string, Record<string, string[]>> = {}
for (const entity of store.values()) {
  for (const ancestor of [entity.uid.key, ...store.ancestors(entity.uid.key)]) {
    const [type = '', id = ''] = ancestor.split('::"')
    hierarchy[type] ??= {}
    const below = hierarchy[type]
    below[id] = [...(below[id] ?? []), `${entity.uid.type}:${entity.uid.id}`]
  }
}

const mapping: SqlMapping = {
  dialect: 'sqlite',
  id: 'docs.id',
  columns: {
    owner: 'owner',
    team: 'team',
    size: 'size',
    limit: 'limit',
    title: 'title',
    public: 'public',
    price: 'price',
    at: 'at',
    labels: 'labels',
    meta: 'meta',
    'meta.note': 'note',
    'meta.rank': 'rank',
  },
  member: (column, value, bind) => `EXISTS (SELECT 1 FROM json_each(${column}) WHERE value = ${bind(value)})`,
  within: (column, uids, bind) =>
    uids
      .map(
        (each) =>
          `EXISTS (SELECT 1 FROM below WHERE type = ${bind(each.type)} AND id = ${bind(each.id)} AND member IN ('Doc:' || ${column}, 'User:' || ${column}, 'Team:' || ${column}))`,
      )
      .join(' OR '),
}

function database(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  db.exec(
    'CREATE TABLE docs (id TEXT, owner TEXT, team TEXT, size INT, "limit" INT, title TEXT, public INT, price INT, at INT, labels TEXT, meta TEXT, note TEXT, rank INT); CREATE TABLE below (type TEXT, id TEXT, member TEXT)',
  )
  const insert = db.prepare('INSERT INTO docs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  for (const input of documents()) {
    const a = input.attrs as Record<string, never> & {
      owner: { id: string }
      team?: { id: string }
      labels: string[]
      meta?: { note: string; rank?: number }
      price: string
      at?: string
      public: boolean
      size: number
      limit?: number
      title?: string
    }
    const id = 'id' in input.uid ? input.uid.id : ''
    const values: SQLInputValue[] = [
      id,
      a.owner.id,
      a.team?.id ?? null,
      a.size,
      a.limit ?? null,
      a.title ?? null,
      Number(a.public),
      Number(a.price) * 10_000,
      a.at === undefined ? null : Date.parse(a.at),
      JSON.stringify(a.labels),
      a.meta === undefined ? null : '{}',
      a.meta?.note ?? null,
      a.meta?.rank ?? null,
    ]
    insert.run(...values)
  }
  const relate = db.prepare('INSERT INTO below VALUES (?, ?, ?)')
  for (const [type, ids] of Object.entries(hierarchy)) {
    for (const [id, members] of Object.entries(ids))
      for (const member of members) relate.run(type, id, member)
  }
  return db
}

/** Builds queries only; they are run by hand. */
const kysely = new Kysely<{ docs: { id: string; size: number; rowid: number } }>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

const atoms = fc.constantFrom(
  'resource.public',
  'resource.size < 2',
  'principal.level >= resource.size',
  'principal.level < resource.size',
  '2 > resource.limit',
  '3 <= resource.size',
  'resource.size == context.level',
  'resource has limit',
  'resource.limit < 3',
  'resource.limit != 2',
  'resource.size <= resource.limit',
  'resource.title like "a\\**"',
  'resource.title like "*b"',
  'resource.title like "*[A]*"',
  'resource has title && resource.title == "Ab"',
  'resource.owner == principal',
  'resource.owner in Team::"top"',
  'resource.team in Team::"top"',
  'principal in resource.team',
  'resource.owner in [Team::"sub", User::"bob"]',
  'principal.teams.contains(resource.team)',
  'resource.team is Team',
  'resource.owner is User in Team::"top"',
  'resource in Folder::"outer"',
  'resource is Doc in Folder::"inner"',
  'resource == Doc::"d4"',
  '[Doc::"d1", Doc::"d2"].contains(resource)',
  'resource is Folder',
  'resource.labels.contains("x")',
  'resource.labels.containsAll(["x", "y"])',
  'resource.labels.containsAny([principal.name, "y"])',
  '["x"].containsAny(resource.labels)',
  'resource.price.lessThan(decimal("2.0"))',
  'decimal("2.5").lessThanOrEqual(resource.price)',
  'resource.at < datetime("2024-03-01")',
  'resource.at == datetime("2024-01-01")',
  'resource has meta.rank',
  'resource.meta has rank',
  'resource.meta.rank == 1',
  'resource.meta.note == "n"',
  'resource has nothing',
  'context.flag',
  'context has flag && context.flag',
  'principal.level > 1',
  'principal.missing',
  'resource.size',
  'resource.size < "x"',
  'resource.title < 3',
  'resource.size == "x"',
  'true',
  '"x" like "y"',
)
const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    atoms.map((atom) => `(${atom})`),
    fc
      .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
      .map((parts) => `(${parts.join(' ')})`),
    tie('condition').map((inner) => `(!${inner})`),
    fc
      .tuple(tie('condition'), tie('condition'), tie('condition'))
      .map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
  ),
}))
const scope = fc.constantFrom(
  'resource',
  'resource',
  'resource is Doc',
  'resource in Folder::"outer"',
  'resource is Doc in Folder::"inner"',
  'resource == Doc::"d7"',
  'resource is Folder',
)
const policy = fc
  .tuple(
    fc.constantFrom('permit', 'permit', 'forbid'),
    scope,
    fc.constantFrom('principal', 'principal in Team::"top"'),
    fc.constantFrom('when', 'unless'),
    condition,
  )
  .map(([effect, on, who, kind, body]) => `${effect}(${who}, action, ${on}) ${kind} { ${body} };`)

test('condition, predicate and SQL select exactly what authorize allows, in every small world', () => {
  const db = database()
  const seen = { some: 0, none: 0, every: 0 }
  try {
    const property = fc.property(
      fc.array(policy, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('ann', 'bob'),
      fc.record({ level: fc.constantFrom(1, 3), flag: fc.boolean() }, { requiredKeys: ['level'] }),
      (policies, who, context) => {
        const set = compile({ policies: policies.join('\n'), schema, validate: 'none' })
        const asked = { principal: uid('User', who), action: uid('Action', 'read'), context, entities: store }
        const allowed = rows.filter(
          ({ uid: resource }) => set.authorize({ ...asked, resource }).decision === 'allow',
        )
        const { condition: found } = residual(set, { ...asked, resourceType: 'Doc' })

        const test = predicate(found)
        assert.deepEqual(
          rows.filter((row) => test(row, store)).map(({ uid }) => uid.id),
          allowed.map(({ uid }) => uid.id),
        )

        const { sql, params } = toSql(found, mapping)
        const selected = db
          .prepare(`SELECT id FROM docs WHERE ${sql} ORDER BY rowid`)
          .all(...(params as SQLInputValue[]))
        assert.deepEqual(
          selected.map((row) => row.id),
          allowed.map(({ uid }) => uid.id),
          sql,
        )

        const { strings, values } = toTemplate(found, mapping)
        const query = kysely
          .selectFrom('docs')
          .select('id')
          .where('size', '>', 0)
          .where(tag<boolean>(strings, ...values))
          .orderBy('rowid')
          .compile()
        const read = db.prepare(query.sql).all(...(query.parameters as SQLInputValue[]))
        assert.deepEqual(
          read.map((row) => row.id),
          allowed.map(({ uid }) => uid.id),
          query.sql,
        )
        seen[allowed.length === 0 ? 'none' : allowed.length === rows.length ? 'every' : 'some']++
      },
    )
    fc.assert(property, { numRuns: Number(process.env.CEDAR_PROPERTY_RUNS ?? 250), seed: 17 })
  } finally {
    db.close()
  }
  assert.ok(
    rows.length > 100 && seen.some > 30 && seen.none > 10,
    JSON.stringify({ ...seen, rows: rows.length }),
  )
})

test('what needs more than the resource is refused by name, unless it cannot matter', () => {
  const ask = (policies: string) =>
    residual(compile({ policies, schema, validate: 'none' }), {
      principal: uid('User', 'bob'),
      action: uid('Action', 'read'),
      resourceType: 'Doc',
      context: { level: 1 },
      entities: store,
    })
  for (const body of [
    'resource.owner.level > 1',
    'resource.size + 1 > 2',
    'resource.labels.isEmpty()',
    'resource.getTag("x") == "y"',
    'resource.labels == ["x"]',
  ]) {
    assert.throws(
      () => ask(`@id("p") permit(principal, action, resource) when { ${body} };`),
      (error) =>
        error instanceof CedarError && error.code === 'not_translatable' && error.message.includes('`p`'),
      body,
    )
    assert.equal(
      ask(`permit(principal, action, resource) when { principal.level > 1 && ${body} };`).condition.kind,
      'never',
    )
    assert.equal(
      ask(`permit(principal in Team::"top", action, resource) when { ${body} };`).policies.length,
      0,
    )
  }
})

test('values never reach the text of the SQL, and PostgreSQL numbers its parameters', () => {
  const hostile = `x'); DROP TABLE docs; --`
  const policies = `permit(principal, action, resource) when { resource has title && resource.title == ${JSON.stringify(hostile)} };
    permit(principal, action, resource) when { resource.public || resource.title like "50\\*_%*" };`
  const set = compile({ policies, schema, validate: 'none' })
  const { condition: found } = residual(set, {
    principal: uid('User', 'bob'),
    action: uid('Action', 'read'),
    resourceType: 'Doc',
    context: { level: 1 },
    entities: store,
  })
  const { sql, params } = toSql(found, { ...mapping, dialect: 'postgres' }, 3)
  assert.deepEqual(params, [hostile, true, '50*\\_\\%%'])
  assert.ok(!sql.includes('DROP') && sql.includes('$3') && sql.includes('$5'))
  assert.throws(() => toSql(found, { dialect: 'sqlite', id: 'id', columns: {} }), CedarError)
  const template = toTemplate(found, { ...mapping, dialect: 'postgres' })
  assert.deepEqual(template.values, params)
  assert.equal(template.strings.join('?'), sql.replace(/\$\d/g, '?'))
  const odd = { dialect: 'sqlite', id: 'id', columns: { title: 'a\u0000b' } } as const
  assert.throws(() => toTemplate({ kind: 'present', field: ['title'] }, odd), CedarError)
  assert.throws(
    () => toSql(found, { dialect: 'sqlite', id: 'id', columns: Object.create({ title: 'inherited' }) }),
    CedarError,
  )
  assert.ok(
    toSql(
      { kind: 'present', field: ['title'] },
      { dialect: 'sqlite', id: 'id', columns: { title: 'a"b' } },
    ).sql.includes('"a""b"'),
  )
})

test('a schema is needed, and a type that it has', () => {
  const asked = {
    principal: uid('User', 'bob'),
    action: uid('Action', 'read'),
    resourceType: 'Nope',
    entities: store,
  }
  const policies = 'permit(principal, action, resource);'
  assert.throws(
    () => residual(compile({ policies, validate: 'none' }), asked),
    (error) => error instanceof CedarError && error.code === 'schema_required',
  )
  assert.throws(
    () => residual(compile({ policies, schema, validate: 'strict' }), asked),
    (error) => error instanceof CedarError && error.code === 'request_invalid',
  )
})

test('what grows without bound is refused', () => {
  let body = 'resource.limit < 3'
  for (let i = 0; i < 16; i++) body = `(if ${body} then resource.limit < ${i} else resource.title == "x")`
  const set = compile({
    policies: `permit(principal, action, resource) when { ${body} };`,
    schema,
    validate: 'none',
  })
  const asked = {
    principal: uid('User', 'bob'),
    action: uid('Action', 'read'),
    resourceType: 'Doc',
    entities: store,
  }
  assert.throws(
    () => residual(set, asked),
    (error) => error instanceof CedarError && error.code === 'not_translatable',
  )
})

test('a chain over one optional field costs one test per link', () => {
  const chain = Array.from({ length: 200 }, (_, i) => `resource.limit == ${i}`).join(' || ')
  for (const body of [chain, `resource has limit && (${chain})`, `!(${chain})`]) {
    const set = compile({
      policies: `permit(principal, action, resource) when { ${body} };`,
      schema,
      validate: 'none',
    })
    const asked = {
      principal: uid('User', 'bob'),
      action: uid('Action', 'read'),
      resourceType: 'Doc',
      context: { level: 1 },
      entities: store,
    }
    assert.equal(toSql(residual(set, asked).condition, mapping).params.length, 200)
  }
})

test('fields that are always there cost one test each', () => {
  const body = Array.from({ length: 200 }, (_, i) => `(resource.size == ${i} && resource.public)`).join(
    ' || ',
  )
  const set = compile({
    policies: `permit(principal, action, resource) when { ${body} };`,
    schema,
    validate: 'none',
  })
  const { condition: found } = residual(set, {
    principal: uid('User', 'bob'),
    action: uid('Action', 'read'),
    resourceType: 'Doc',
    entities: store,
  })
  assert.equal(toSql(found, mapping).params.length, 400)
})
