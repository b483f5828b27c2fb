/**
 * A replay as lines of JSON. It holds up other replays, so it ends with whoever asked: when they go, and when they stop
 * reading.
 * @module
 */
import type { ReplayProgress, ReplayReport } from '@safeconduct/engine'
import { SafeconductError, toSafeconductError } from '@safeconduct/protocol'

export type ReplayRun = AsyncGenerator<ReplayProgress, ReplayReport>

/** How long a line may lie unread. */
const PATIENCE_MS = 30_000

/** `{"progress": …}` now and then, at last `{"report": …}`, or `{"error": …}` when it broke off. */
export function replayLines(
  run: ReplayRun,
  first: IteratorResult<ReplayProgress, ReplayReport>,
  { signal, patience = PATIENCE_MS }: { readonly signal: AbortSignal; readonly patience?: number },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let next: IteratorResult<ReplayProgress, ReplayReport> | null = first
  let unread: NodeJS.Timeout | undefined
  const end = () => {
    clearTimeout(unread)
    signal.removeEventListener('abort', end)
    // What it is in the middle of is finished first; then it makes room for the next one.
    void run.return(undefined as never).catch(() => undefined)
  }
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(unread)
      const write = (value: object) => controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`))
      try {
        const step = next ?? (await run.next())
        next = null
        if (step.done !== true) {
          write({ progress: step.value })
          unread = setTimeout(() => {
            end()
            controller.error(new SafeconductError('overloaded', { message: 'Nobody read the replay on.' }))
          }, patience)
          unread.unref()
          return
        }
        // One that was ended in the middle has no report.
        if (step.value !== undefined) write({ report: step.value })
      } catch (error) {
        write(toSafeconductError(error).toJSON())
      }
      end()
      controller.close()
    },
    cancel: end,
  })
}
