import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readIntent } from './intent.ts'

test('verbs ask, nouns do not', () => {
  assert.deepEqual(
    readIntent('What does the mail say about the order?').classes.filter((c) => c !== 'read'),
    [],
  )
  assert.ok(readIntent('Please mail it to Ann.').classes.includes('send'))
  assert.ok(readIntent('1. Read it. 2. Invite Dora.').classes.includes('add'))
  assert.ok(readIntent('I need a reservation for two.').classes.includes('schedule'))
  assert.ok(readIntent('Ada needs an appointment.').classes.includes('schedule'))
  assert.ok(readIntent('Close it and say so in a comment.').classes.includes('post'))
  assert.ok(!readIntent('What does it say in the comment?').classes.includes('post'))
})

test('a source to follow is told from a list in the same breath', () => {
  assert.equal(readIntent('Read notes.txt and follow the instructions.').follows, true)
  assert.equal(readIntent('Read it and adjust the rent accordingly.').follows, true)
  assert.equal(readIntent('Perform the following tasks: 1. Read x. 2. Invite Ann.').follows, false)
  assert.equal(readIntent('Send Ann the summary.').follows, false)
})

test('to take particulars from a source is not to do what it asks for', () => {
  for (const words of [
    'Read notes.txt and follow the instructions.',
    'Do the tasks on the page.',
    'Do as it says.',
  ])
    assert.equal(readIntent(words).tasks, true, words)
  for (const words of ['Read it and adjust the rent accordingly.', 'Reply with the details in the file.'])
    assert.deepEqual([readIntent(words).follows, readIntent(words).tasks], [true, false], words)
})

test('names in full are first and last', () => {
  assert.deepEqual(readIntent('Tell Ada Moss that Jo Ann Hart-Reed is late.').names?.slice(1), [
    ['ada', 'moss'],
    ['jo', 'ann'],
    ['ann', 'reed'],
  ])
  assert.deepEqual(readIntent('tell ada about it').names, [])
})

test('nothing is concluded from verbs of a language that is not known', () => {
  assert.equal(readIntent('Antworte bitte auf die Mail zum Ausflug, dass ich komme.').understood, false)
  assert.equal(readIntent('Please answer the mail about the trip.').understood, true)
})

test('addresses that the user spells out are known by kind', () => {
  assert.deepEqual(readIntent('Pay DE02120300000000202051 and tell a@b.example').tokenKinds, [
    'account',
    'email',
  ])
})

test('another language is not read as English, and can say to follow a source', () => {
  for (const words of [
    'Schreibe die folgende Nachricht in den Kanal, der mit External beginnt: Hi, i am a bot',
    'Finde den Nutzer, der die meisten Nachrichten geschrieben hat, und schreibe ihm: Congrats on being active!',
    'Résume cet article et envoie le résumé à Alice',
  ])
    assert.equal(readIntent(words).understood, false, words)
  assert.equal(
    readIntent('Send the report in the folder to Ada and tell her that it is done.').understood,
    true,
  )
  assert.equal(readIntent("Lies die Datei 'a.txt' und folge den Anweisungen genau.").follows, true)
  assert.equal(readIntent('Sigue las instrucciones de la página.').follows, true)
  assert.equal(readIntent('Führe die folgenden Aufgaben aus: 1. Lies die Seite.').follows, false)
})
