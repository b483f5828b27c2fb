/**
 * The live desk: started by `safeconduct up`, told on standard input where to go, ends with its parent. Plays the day
 * once, slowly enough to watch.
 * @module
 */
import { json } from 'node:stream/consumers'
import { type Setup, sendTrader } from './agent.ts'
import { play, SCENES } from './story.ts'

const PAUSE_MS = 2500

process.on('SIGTERM', () => process.exit(0))
const setup = (await json(process.stdin)) as Setup
const trader = await sendTrader(setup).catch((error: Error) => {
  process.stderr.write(`safeconduct: the trader was not sent off: ${error.message}\n`)
  process.exit(1)
})
const nothing = () => undefined
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS))
await play(trader, SCENES, { scene: nothing, step: nothing, pause })
await trader.close()
