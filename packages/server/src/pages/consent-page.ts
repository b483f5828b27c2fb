/**
 * The page on which a person grants a task: who asks, where the answer goes, what may be used, in whose words, within
 * which limits, until when.
 * @module
 */
import type { ArgumentLimit, TaskDetails } from '@safeconduct/protocol'
import { displayText, type Html, html } from './html.ts'

export interface ConsentServer {
  readonly name: string
  readonly standing: 'new' | 'approved'
  /** Known tools that the request covers: full names, `<server>/<tool>`. */
  readonly tools: readonly string[]
  /** Asked for by pattern or not listed yet. */
  readonly patterns: readonly string[]
}

export interface ConsentView {
  readonly action: string
  readonly csrf: string
  readonly userName: string
  readonly agentName: string
  readonly agentId: string
  readonly registration: 'owner' | 'cimd' | 'dcr' | 'local'
  /** Seen before by the owner, or new with this request. */
  readonly known: boolean
  readonly redirectHost: string
  /** The answer goes to whatever listens on this machine. */
  readonly loopbackOnly: boolean
  readonly servers: readonly ConsentServer[]
  readonly wantsWrite: boolean
  readonly asked: TaskDetails
  /** Choices, seconds; the first is the default. */
  readonly lifetimes: readonly { readonly seconds: number; readonly label: string }[]
  readonly problem: string | null
}

export const MAX_INTENT = 4000

const REGISTRATION = {
  owner: 'Registered by the owner of this Safeconduct.',
  local: 'Registered on this machine.',
  cimd: 'Known by its published metadata document; the host in its id vouches for it.',
  dcr: 'Registered itself just now. Nobody vouches for its name.',
} as const

export function consentPage(view: ConsentView): Html {
  return html`${view.problem === null ? null : html`<p class="warn" role="alert">${view.problem}</p>`}
<dl>
<dt>You are</dt><dd>${displayText(view.userName)}</dd>
<dt>Agent</dt><dd><strong>${displayText(view.agentName)}</strong>${view.known ? null : ' (new)'}</dd>
<dt>Id</dt><dd><code>${displayText(view.agentId, 300)}</code></dd>
<dt>How it is known</dt><dd>${REGISTRATION[view.registration]}</dd>
<dt>Answer goes to</dt><dd><strong>${displayText(view.redirectHost)}</strong></dd>
</dl>
${loopbackWarning(view)}
<form method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<h2><label for="intent">What is it to do for you? In your own words.</label></h2>
<textarea id="intent" name="intent" rows="3" maxlength="${MAX_INTENT}" aria-describedby="intent-hint"></textarea>
<p class="hint" id="intent-hint">Kept with the task and compared with what the agent does. You may leave it empty.</p>
${purpose(view.asked)}
${view.servers.map(serverFields)}
<fieldset><legend>Rights</legend>
<label><input type="checkbox" checked disabled> Read</label>
${
  view.wantsWrite
    ? html`<label><input type="checkbox" name="write" value="yes" checked> Change things (write, send, order, delete)</label>`
    : html`<p class="hint">It did not ask to change anything.</p>`
}
</fieldset>
<fieldset><legend>Limits</legend>
<div class="pair">
<label>Calls at most ${number('calls', view.asked.budget?.calls)}</label>
<label>Changes at most ${number('writes', view.asked.budget?.writes)}</label>
</div>
<label>Until <select name="lifetime">${view.lifetimes.map(
    (one) => html`<option value="${one.seconds}">${one.label}</option>`,
  )}</select></label>
${askedLimits(view.asked)}
</fieldset>
<div class="actions">
<button name="answer" value="allow" type="submit">Allow</button>
<button name="answer" value="refuse" type="submit" class="quiet" formnovalidate>Refuse</button>
</div>
</form>`
}

function loopbackWarning(view: ConsentView): Html | null {
  if (!view.loopbackOnly || (view.registration !== 'cimd' && view.registration !== 'dcr')) return null
  return html`<p class="warn">The answer goes to a program on this computer. Any program here could pretend to be
“${displayText(view.agentName)}”: allow this only if you have just started it yourself.</p>`
}

/** The agent's words, kept apart from the user's. */
function purpose(asked: TaskDetails): Html | null {
  if (asked.purpose === undefined) return null
  return html`<p class="hint">The agent says (not your words): “${displayText(asked.purpose, 512)}”</p>`
}

function serverFields(server: ConsentServer): Html {
  const several = server.tools.length + server.patterns.length > 0
  return html`<fieldset><legend>Server ${server.name}${server.standing === 'new' ? ' (new: changes wait for your approval)' : null}</legend>
<label><input type="checkbox" name="server" value="${server.name}" checked> May be used</label>
${
  server.tools.length > 0 && server.patterns.length > 0
    ? html`<p class="hint">Untick a tool and only the ticked ones are allowed; untick the first line to leave out later ones.</p>`
    : null
}
${several ? null : html`<p class="hint">Every tool of this server that policy allows; none is known yet.</p>`}
${server.patterns.map(
  (pattern) =>
    html`<label><input type="checkbox" name="tool" value="${pattern}" checked> ${patternText(pattern)}</label>`,
)}
${server.tools.map(
  (tool) =>
    html`<label><input type="hidden" name="listed" value="${tool}"><input type="checkbox" name="tool" value="${tool}" checked> <code>${displayText(tool)}</code></label>`,
)}
</fieldset>`
}

function patternText(pattern: string): Html {
  return pattern.endsWith('/*')
    ? html`Every tool that policy allows, also later ones`
    : html`<code>${displayText(pattern)}</code>`
}

function number(name: string, asked: number | undefined): Html {
  return asked === undefined
    ? html`<input type="number" name="${name}" min="0" step="1" placeholder="no limit">`
    : html`<input type="number" name="${name}" min="0" max="${asked}" step="1" value="${asked}">`
}

function askedLimits(asked: TaskDetails): Html | null {
  const lines = [
    ...Object.entries(asked.budget?.sums ?? {}).map(([key, sum]) => `Sum of ${key}: at most ${sum}`),
    ...Object.entries(asked.argument_limits ?? {}).flatMap(([tool, paths]) =>
      Object.entries(paths).map(([path, limit]) => `${tool}, ${path}: ${limitText(limit)}`),
    ),
    ...(asked.resources ?? []).map((prefix) => `Resources under ${prefix}`),
  ]
  if (lines.length === 0) return null
  return html`<p class="hint">It binds itself to:</p><ul>${lines.slice(0, 100).map((line) => html`<li>${displayText(line, 400)}</li>`)}</ul>`
}

function limitText(limit: ArgumentLimit): string {
  return [
    limit.max === undefined ? null : `at most ${limit.max}`,
    limit.min === undefined ? null : `at least ${limit.min}`,
    limit.prefix === undefined ? null : `beginning with “${limit.prefix}”`,
    limit.oneOf === undefined ? null : `one of ${limit.oneOf.slice(0, 20).map(String).join(', ')}`,
  ]
    .filter((part) => part !== null)
    .join('; ')
}
