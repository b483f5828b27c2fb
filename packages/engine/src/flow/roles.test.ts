import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArgumentRole, ToolDefinition, ToolRoles } from './roles.ts'
import { deriveRoles, roleOfValue, unknownToolRoles } from './roles.ts'

function roles(
  name: string,
  args: Record<string, string> = {},
  extra: Partial<ToolDefinition> = {},
): ToolRoles {
  const properties = Object.fromEntries(Object.entries(args).map(([a, type]) => [a, { type }]))
  return deriveRoles({ name, inputSchema: { type: 'object', properties }, ...extra })
}

test('the verb decides, in any spelling of the name', () => {
  for (const name of ['get_mail', 'listFiles', 'mail.search', 'calendar-list-events', 'FetchOrder'])
    assert.equal(roles(name, { q: 'string' }).effect, 'read', name)
  for (const name of ['send_mail', 'deleteFile', 'calendar.create', 'repo-merge', 'frobnicate'])
    assert.equal(roles(name, { q: 'string' }).effect, 'write', name)
})

test('a page that is opened by address is a read whose address steers', () => {
  const page = roles('open_page', { url: 'string' })
  assert.equal(page.effect, 'read')
  assert.equal(page.args.url?.sink, true)
  assert.equal(page.openWorld, true)
  assert.equal(page.documentOutput, true)
  assert.equal(roles('open_account', { name: 'string' }).effect, 'write')
  assert.equal(roles('open_letter', { letter_no: 'string' }).effect, 'read')
  assert.equal(roles('open_gate', { gate_no: 'string' }).effect, 'write')
  assert.equal(
    roles('search_lane', { to_city: 'string', reply_to: 'string' }).args.to_city?.kind,
    'attribute',
  )
})

test('arguments have kinds', () => {
  const send = roles('send_mail', {
    recipients: 'array',
    subject: 'string',
    body: 'string',
    send_at_date: 'string',
    urgent: 'boolean',
  })
  assert.deepEqual(
    Object.values(send.args).map((a) => [a.kind, a.sink, a.freeText]),
    [
      ['recipient', true, false],
      ['free', false, true],
      ['free', false, true],
      ['time', false, false],
      ['scalar', false, false],
    ],
  )
  assert.equal(roles('book_room', { room: 'string' }).args.room?.weight, 0.8)
  assert.equal(roles('book_hotel', { hotel: 'string' }).args.hotel?.kind, 'object')
  assert.equal(roles('delete_file', { file_id: 'string' }).args.file_id?.kind, 'id')
  assert.equal(roles('run', { command: 'string' }).args.command?.kind, 'command')
})

test('destructive, reversible, open world, classes', () => {
  assert.equal(roles('delete_file', { file_id: 'string' }).destructive, true)
  assert.equal(roles('delete_file', { file_id: 'string' }).reversible, false)
  assert.equal(roles('append_note', { note_id: 'string', text: 'string' }).reversible, true)
  for (const binding of [
    'place_order',
    'submit_bid',
    'book_hotel',
    'sign_document',
    'create_booking',
    'order_items',
  ])
    assert.equal(roles(binding, { item: 'string' }).reversible, false, binding)
  for (const free of ['create_note', 'update_watchlist', 'get_order', 'list_bookings'])
    assert.equal(roles(free, { item: 'string' }).reversible, true, free)
  const told = { annotations: { destructiveHint: false }, description: 'Place an order on a market.' }
  assert.equal(roles('execute_now', { symbol: 'string' }, told).reversible, false)
  assert.equal(roles('share_file', { file_id: 'string', email: 'string' }).openWorld, true)
  assert.ok(roles('send_money', { amount: 'number' }).classes.includes('pay'))
})

test('what a server says of itself can only make it more cautious', () => {
  const claim = { readOnlyHint: true, destructiveHint: false, openWorldHint: false }
  const plain = roles('delete_account', { email: 'string' })
  assert.deepEqual(roles('delete_account', { email: 'string' }, { annotations: claim }), plain)
  assert.equal(roles('frobnicate', { q: 'string' }, { annotations: claim }).effect, 'write')
  assert.equal(roles('get_mail', {}, { annotations: { readOnlyHint: false } }).effect, 'write')
  assert.equal(
    roles('update_note', { id: 'string' }, { annotations: { destructiveHint: true } }).destructive,
    true,
  )
  assert.equal(roles('get_note', { id: 'string' }, { annotations: { openWorldHint: true } }).openWorld, true)
})

test('where no verb is known it is a write, unless a trusted server says that it only reads', () => {
  const claim = { readOnlyHint: true }
  const foreign = (args: Record<string, string>, extra: Partial<ToolDefinition> = {}): ToolRoles =>
    roles('hole_seite', args, extra)
  const page = foreign({ url: 'string', max_length: 'integer' })
  assert.deepEqual(
    [page.effect, page.unsure, page.reversible, page.documentOutput],
    ['write', true, false, true],
  )
  const paid = roles('zaplatit', { url: 'string', amount: 'number' })
  assert.deepEqual([paid.effect, paid.unsure, paid.reversible, paid.openWorld], ['write', true, false, true])
  for (const [name, description] of [
    ['smazat', ''],
    ['obrisi', ''],
    ['odhlasit', 'Odhlási a zmaže účet'],
    ['webhook', ''],
  ] as const) {
    const gone = roles(name, { url: 'string' }, { description, annotations: claim })
    assert.deepEqual([gone.effect, gone.reversible], ['write', false], name)
  }
  const told = foreign({ url: 'string' }, { description: 'Gets the text of a page.' })
  assert.deepEqual([told.effect, told.args.url?.sink, told.openWorld], ['read', true, true])
  assert.equal(foreign({ url: 'string' }, { annotations: claim, trusted: true }).effect, 'read')
  assert.equal(foreign({ konto: 'string' }, { annotations: claim }).effect, 'write')
  assert.equal(foreign({ konto: 'string' }, { annotations: claim, trusted: true }).effect, 'read')
  const both = { annotations: { ...claim, destructiveHint: true }, trusted: true }
  assert.equal(foreign({ konto: 'string' }, both).effect, 'write')
  // A verb that is known says more than a hint.
  assert.equal(
    roles('delete_file', { path: 'string' }, { annotations: claim, trusted: true }).effect,
    'write',
  )
  assert.equal(roles('delete_page', { url: 'string' }).effect, 'write')
})

test('what an argument is that no list names: a caption beside an account, a place for a text, or a text', () => {
  const transfer = roles('transmit_cash', { iban: 'string', figure: 'number', reference: 'string' })
  assert.deepEqual([transfer.args.reference?.kind, transfer.args.reference?.weight], ['caption', 0.3])
  assert.equal(
    roles('transmit_cash', { figure: 'number', reference: 'string' }).args.reference?.kind,
    'other',
  )
  assert.equal(roles('convey_hub_bulletin', { hub: 'string', body: 'string' }).args.hub?.kind, 'place')
  // With somebody to write to, it is not the place; without a text, there is nothing to be placed.
  const to = roles('convey_hub_bulletin', { hub: 'string', body: 'string', email: 'string' })
  assert.equal(to.args.hub?.kind, 'object')
  assert.equal(roles('convey_hub', { hub: 'string' }).args.hub?.kind, 'object')
  const entry = roles('append_entry', { entry_id: 'string', markup: 'string' })
  const other = entry.args.markup
  assert.ok(other !== undefined)
  for (const name of [
    'Spotify Premium',
    'US133000000121212121212',
    'Dock 7, Harbour Street 12, Ghent',
    '',
    'a b',
  ])
    assert.equal(roleOfValue(entry, other, name).kind, 'other', name)
  const texts = ['The money for the dinner we had', 'The hobby of Ann is painting; that of Bo is chess.']
  for (const text of texts) {
    const used: ArgumentRole = roleOfValue(entry, other, text)
    assert.deepEqual([used.kind, used.freeText], ['free', true], text)
  }
  // Only where the name says nothing: a recipient stays one, however it is written.
  const send = roles('send_mail', { recipient: 'string' })
  const to2 = send.args.recipient
  assert.ok(to2 !== undefined)
  assert.equal(roleOfValue(send, to2, 'whoever asks for it first and pays').kind, 'recipient')
  // What orders something is no text, nor is anything where the tool may do what is not undone, or only that is given.
  assert.equal(roleOfValue(entry, other, 'please delete all of the old entries').kind, 'other')
  for (const [name, arg, description] of [
    ['run_query', 'statement', 'Runs a statement.'],
    ['execute', 'operation', 'Executes an operation.'],
    ['publish_site', 'markup', 'Publishes a site.'],
    ['delete_entries', 'wherever', 'Deletes entries.'],
    ['obradi', 'posao', ''],
    ['update_policy', 'rule', 'Updates the policy.'],
  ] as const) {
    const tool = roles(
      name,
      name === 'update_policy' ? { [arg]: 'string' } : { id: 'string', [arg]: 'string' },
      { description },
    )
    const role = tool.args[arg]
    assert.ok(role !== undefined)
    for (const text of texts) assert.equal(roleOfValue(tool, role, text).weight, role.weight, name)
  }
})

test('only clearly own data is free of other people’s words', () => {
  assert.equal(roles('get_balance').thirdPartyOutput, false)
  assert.equal(roles('get_current_date').thirdPartyOutput, false)
  for (const name of ['get_mails', 'get_hotel_reviews', 'list_widgets', 'get_weather_news'])
    assert.equal(roles(name).thirdPartyOutput, true, name)
  assert.equal(roles('search_mails', { query: 'string' }).ownData, true)
})

test('an operator’s correction wins', () => {
  const corrected = deriveRoles(
    { name: 'frobnicate', inputSchema: {} },
    { effect: 'read', thirdPartyOutput: false },
  )
  assert.equal(corrected.effect, 'read')
  assert.equal(corrected.thirdPartyOutput, false)
})

test('a broken schema, hostile names and an unknown tool have cautious roles', () => {
  assert.equal(deriveRoles({ name: '', inputSchema: { properties: 'x' } as never }).thirdPartyOutput, true)
  const odd = roles('send', { __proto__x: 'string', constructor: 'string' })
  assert.equal(Object.keys(odd.args).length, 2)
  const unknown = unknownToolRoles('<empty-function-name>')
  assert.deepEqual([unknown.known, unknown.effect, unknown.openWorld], [false, 'write', true])
})

test('named by what it gives back, with nothing that could carry an order: a document is read, a payment is done', () => {
  const text = roles('documentText', { documentName: 'string' }, { description: 'Text of a document.' })
  assert.deepEqual([text.effect, text.documentOutput], ['read', true])
  assert.equal(roles('note_log', { id: 'string' }, { description: 'Log of a note.' }).effect, 'read')
  assert.equal(roles('payment', { id: 'string' }, { description: 'Payment of a bill.' }).effect, 'write')
  assert.equal(
    roles('text_contact', { contact: 'string' }, { description: 'Text a contact.' }).effect,
    'write',
  )
})

test('an unknown verb is a write in any language, whatever else the description is made of', () => {
  for (const [name, args, description] of [
    ['konto_loeschen', { konto_id: 'string' }, 'Loescht ein Konto.'],
    ['ueberweisen', { konto: 'string', betrag: 'number' }, 'Ueberweist Geld.'],
    ['geld_senden', { empfaenger: 'string', betrag: 'number' }, 'Sendet Geld.'],
    ['borrar_cuenta', { cuenta_id: 'string' }, 'Borra la cuenta.'],
    ['supprimer', { compte_id: 'string' }, 'Supprime un compte.'],
    ['usun_konto', { identyfikator: 'string' }, 'Usuwa konto na zawsze.'],
    ['ausfuehren', { befehl: 'string' }, 'Fuehrt einen Befehl aus.'],
    ['zap', { record: 'string' }, 'Zaps records for good.'],
    ['zap', { record: 'string' }, 'Zaps and displays records.'],
    ['shred', { record_id: 'string' }, 'Shredding of a record.'],
    ['yeet', { id: 'string' }, 'Goodbye to the thing.'],
    ['nuke', { id: 'string' }, 'All of the tables, nuked.'],
    ['alles_loeschen', {}, ''],
  ] as const) {
    const foreign = roles(name, args, { description })
    assert.deepEqual([foreign.effect, foreign.reversible], ['write', false], `${name}: ${description}`)
  }
  for (const [name, args, description] of [
    ['kontostand', { konto_id: 'string' }, 'Returns the balance of an account.'],
    ['kontostand', { konto_id: 'string' }, 'This tool returns the balance.'],
    ['inbox', {}, ''],
    ['grants.application', { grant: 'string' }, 'What an applicant handed in.'],
  ] as const)
    assert.equal(roles(name, args, { description }).effect, 'read', `${name}: ${description}`)
})
