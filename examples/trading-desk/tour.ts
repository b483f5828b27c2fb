/**
 * The tour: the day at the desk told in the terminal, on data of its own that is thrown away. Everything shown is
 * what the running product answers; nothing here is written in advance but the words between.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig } from '@safeconduct/protocol'
import { type Daemon, seedDesk, startDaemon } from 'safeconduct'
import { type Answer, type Setup, sendTrader, type Trader } from './agent.ts'
import { type OwnerAtPage, signInOwner } from './owner.ts'
import { play, SCENES, type Scene, type Step } from './story.ts'

const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined
const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
const bold = (text: string) => paint(1, text)
const quiet = (text: string) => paint(2, text)
const say = (text = '') => process.stdout.write(`${text}\n`)
const PACE_MS = process.stdout.isTTY ? 700 : 0
const rest = (factor = 1) => new Promise<void>((resolve) => setTimeout(resolve, PACE_MS * factor))

interface Listed {
  readonly id: string
  readonly outcome: string
  readonly trust: string
  readonly risk: number
}

const COLOURS: Readonly<Record<string, number>> = { allow: 32, approval: 33, step_up: 33, deny: 31 }

function chapter(title: string, told: string): void {
  say()
  say(bold(`▍ ${title}`))
  say(quiet(`  ${told}`))
}

/** Decisions are listed a moment after they are made: the newest one that was not told yet. */
function decisionsOf(owner: OwnerAtPage): (answer: Answer) => Promise<Listed> {
  let told = ''
  return async (answer) => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { decisions } = await owner.get<{ decisions: Listed[] }>('/api/v1/decisions?limit=5')
      const found =
        answer.decision === null ? decisions[0] : decisions.find((one) => one.id === answer.decision)
      if (found !== undefined && found.id > told) {
        told = found.id
        return found
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`The decision does not show up: ${JSON.stringify(answer)}`)
  }
}

function line(step: Step, answer: Answer, decision: Listed): void {
  const args = JSON.stringify(step.args)
  const outcome = paint(COLOURS[decision.outcome] ?? 0, decision.outcome.padEnd(8))
  const standing = quiet(`trust ${decision.trust}, risk ${decision.risk}`)
  say(`  ${outcome} ${step.tool} ${args.length > 70 ? `${args.slice(0, 69)}…` : args}  ${standing}`)
  if (!answer.ok) say(quiet(`           the agent sees: ${answer.text.split('\n')[0]?.slice(0, 150) ?? ''}`))
}

interface Told {
  readonly decision: {
    readonly why: readonly string[]
    readonly counterfactual: { readonly change: string; readonly outcome: string } | null
    /** What the risk is made of, the strongest first. */
    readonly contributions?: readonly {
      readonly reason: string
      readonly bits: number
      readonly without: { readonly risk: number; readonly trust: string }
    }[]
    readonly labels: readonly {
      readonly path: string
      readonly label: string
      readonly sink: boolean
      readonly source: { readonly tool: string } | null
    }[]
  }
}

async function explain(owner: OwnerAtPage, id: string): Promise<void> {
  const { decision } = await owner.get<Told>(`/api/v1/decisions/${id}`)
  say('  The owner asks why:')
  for (const reason of decision.why.slice(0, 3)) say(`    · ${reason}`)
  for (const one of decision.labels.filter((label) => label.sink && label.label !== 'user').slice(0, 2)) {
    say(`    · ${one.path} is ${one.label}${one.source === null ? '' : `, from ${one.source.tool}`}`)
  }
  for (const { reason, bits, without } of (decision.contributions ?? []).slice(0, 2))
    say(`    · ${reason} (${bits.toFixed(1)} bits; without it risk ${without.risk}, ${without.trust})`)
  if (decision.counterfactual !== null)
    say(`    · otherwise: ${decision.counterfactual.change} → ${decision.counterfactual.outcome}`)
}

/** The 20× order waits for a person; the person says yes to exactly these arguments, once. */
async function approvalChapter(
  owner: OwnerAtPage,
  trader: Trader,
  made: ReturnType<typeof decisionsOf>,
): Promise<void> {
  const [waiting] = await owner.pending()
  if (waiting === undefined) return
  chapter(
    'A person decides',
    `${waiting.server}/${waiting.tool} waits on the live page, bound to its exact arguments.`,
  )
  await owner.decide(waiting, true)
  say('  The owner approves, once.')
  const step: Step = {
    tool: 'place_order',
    args: { symbol: 'NOVA', market: 'XNYS', side: 'buy', quantity: 220 },
  }
  for (let time = 0; time < 2; time++) {
    const answer = await trader.call(step.tool, step.args)
    line(step, answer, await made(answer))
    await rest()
  }
  say(quiet('  The approved arguments pass once; the second time a person would have to be asked again.'))
}

async function receiptChapter(
  daemon: Daemon,
  owner: OwnerAtPage,
  folder: string,
  id: string,
): Promise<boolean> {
  chapter('A receipt that needs nobody’s word', 'Checked by one file without dependencies, offline.')
  const receipt = await owner.get<object>(`/api/v1/decisions/${id}/receipt`)
  const good = path.join(folder, 'receipt.json')
  const bad = path.join(folder, 'flipped.json')
  writeFileSync(good, JSON.stringify(receipt, null, 2))
  writeFileSync(bad, flip(readFileSync(good, 'utf8')))
  const verifier = path.resolve(import.meta.dirname, '../../packages/ledger/src/verify.ts')
  const check = (file: string) =>
    spawnSync(process.execPath, [verifier, file, '--vkey', daemon.foundation.log.vkey], { encoding: 'utf8' })
  const results = [check(good), check(bad)]
  for (const [index, result] of results.entries()) {
    say(`  ${quiet(`$ safeconduct verify ${index === 0 ? 'receipt.json' : 'flipped.json'}`)}`)
    for (const text of `${result.stdout}${result.stderr}`.trim().split('\n').slice(0, 6)) say(`    ${text}`)
  }
  return results[0]?.status === 0 && results[1]?.status !== 0
}

/** One bit of one character inside an entry: still base64, no longer what was recorded. */
function flip(receipt: string): string {
  return receipt.replace(
    /("entry":\s*"[^"]{20})(.)/,
    (_all, before: string, letter: string) => before + (letter === 'A' ? 'B' : 'A'),
  )
}

async function tour(): Promise<boolean> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeconduct-tour-'))
  let daemon: Daemon | null = null
  let trader: Trader | null = null
  try {
    say(bold('Safeconduct: two minutes at a trading desk'))
    say(quiet('Starting a daemon on data of its own, with an ordinary MCP server behind the gateway…'))
    daemon = await startDaemon(
      // The tour lives through a day in seconds: what came back well is learned at once.
      readConfig({
        SAFECONDUCT_DATA: path.join(folder, 'data'),
        SAFECONDUCT_PORT: '0',
        SAFECONDUCT_CONTEST_WINDOW: '0',
      }),
    )
    const seed = await seedDesk(daemon)
    const owner = await signInOwner(daemon.url, daemon.signInLink())
    trader = await sendTrader(seed.setup as Setup)
    say(
      `The owner signed in, read the consent page, and sent the agent ${bold('trader')} off in their own words.`,
    )
    const made = decisionsOf(owner)
    let refused: string | null = null
    let played = 0
    const agent = trader
    const scene = async (next: Scene) => {
      if (played++ === 2) await approvalChapter(owner, agent, made)
      chapter(next.title, next.told)
    }
    const step = async (taken: Step, answer: Answer) => {
      const decision = await made(answer)
      line(taken, answer, decision)
      if (decision.outcome !== 'deny' || refused !== null) return
      refused = decision.id
      await explain(owner, decision.id)
    }
    await play(trader, SCENES, { scene, step, pause: rest })
    chapter('Revoked', 'One number goes up; everything issued under the old one fails at its next call.')
    await owner.post('/api/v1/revocations', { kind: 'agent', id: 'trader' })
    const answer = await trader.call('get_quote', { symbol: 'NOVA' })
    say(`  ${paint(31, 'refused ')} get_quote {"symbol":"NOVA"}`)
    say(quiet(`           the agent sees: ${answer.text.split('\n')[0] ?? ''} (${answer.code ?? 'no code'})`))
    const proven = refused ?? ''
    const good = await receiptChapter(daemon, owner, folder, proven)
    say()
    say(
      good
        ? 'That is all. Run it live with npm start.'
        : 'The receipt did not behave as promised: please report this.',
    )
    return good
  } finally {
    await trader?.close().catch(() => undefined)
    await daemon?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = (await tour()) ? 0 : 1
