// The owner's live page. Everything from outside is written as text, never as markup.

const $ = (id) => document.getElementById(id)
const MAX_ROWS = 200
const FADE_MS = 15_000
let csrf = ''

function el(name, props = {}, ...children) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(props)) {
    if (key === 'onclick') node.addEventListener('click', value)
    else if (key in node) node[key] = value
    else node.setAttribute(key, value)
  }
  node.append(...children.filter((child) => child !== null && child !== undefined))
  return node
}

async function api(path, body) {
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    credentials: 'same-origin',
    headers: body === undefined ? {} : { 'content-type': 'application/json', 'x-csrf-token': csrf },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  if (response.status === 401) signedOut()
  throw new Error(answer.message ?? `The daemon answered ${response.status}.`)
}

let toastTimer
function toast(text) {
  $('toast').textContent = text
  $('toast').hidden = false
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => ($('toast').hidden = true), 5000)
}

/** Disables the button while its work runs and shows what went wrong. */
function button(label, className, work) {
  const node = el('button', { type: 'button', className, textContent: label })
  node.addEventListener('click', async () => {
    node.disabled = true
    try {
      await work()
    } catch (error) {
      toast(error.message)
    } finally {
      node.disabled = false
    }
  })
  return node
}

const time = (ms) => new Date(ms).toLocaleTimeString()
const badge = (text, kind) => el('span', { className: `badge ${kind}`, textContent: text.replace('_', ' ') })
/** Characters that show nothing or turn the reading direction are spelled out: what is seen is what is meant. */
const plain = (text) => text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`)
const pretty = (value) => plain(JSON.stringify(value, null, 2))
const list = (lines) => el('ul', {}, ...lines.map((line) => el('li', { textContent: plain(line) })))

// ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Why so much of an agent may wait: how far it is trusted, and since when. */
function standingLine({ agent, standing }) {
  if (!standing) return null
  const since = new Date(standing.since)
  const at = since.toDateString() === new Date().toDateString() ? since.toLocaleTimeString() : since.toLocaleString()
  const text = `${agentName(agent)} is ${standing.trust} since ${at}, risk ${standing.risk}.`
  return el('p', { className: 'quiet standing', textContent: text })
}

function approvalCard(approval) {
  // A question to a policy store may be asked again while the approval holds; a call uses it up.
  const ofStore = approval.server.startsWith('store:')
  const often = ofStore
    ? `for exactly this question and whoever asked it, until ${time(approval.expiresAt)}`
    : 'once, for exactly these arguments'
  const decide = async (approve) => {
    await api(`/api/v1/approvals/${encodeURIComponent(approval.id)}/decide`, { approve, args_digest: approval.argsDigest })
    toast(approve ? `Approved, ${often}.` : 'Refused.')
    await refreshWaiting()
  }
  const asked = location.pathname === `/approvals/${approval.id}`
  return el(
    'li',
    asked ? { className: 'asked' } : {},
    el('h3', { textContent: `${agentName(approval.agent)} ${ofStore ? 'asks for' : 'wants to call'} ${plain(`${approval.server}/${approval.tool}`)}` }),
    approval.intent ? el('p', { className: 'errand', textContent: `Errand: ${plain(approval.intent)}` }) : null,
    list(approval.why),
    standingLine(approval),
    el('pre', { textContent: pretty(approval.args) }),
    el('p', { className: 'quiet', textContent: `Bound to exactly these arguments · expires ${time(approval.expiresAt)}` }),
    revoked.has(approval.agent) ? el('p', { className: 'quiet', textContent: `${agentName(approval.agent)} is revoked: there is nothing to approve.` }) : null,
    el(
      'div',
      { className: 'row' },
      revoked.has(approval.agent) ? null : button(ofStore ? 'Approve until it expires' : 'Approve once', 'yes', () => decide(true)),
      button('Refuse', 'no', () => decide(false)),
    ),
  )
}

const spaced = (name) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** What changes, told by the daemon, group by group; the body as it was asked where it told nothing. */
function shownOf({ shown, body }) {
  const groups = Object.entries(shown ?? {})
  if (groups.length === 0 || !groups.every(([, lines]) => Array.isArray(lines))) return [el('pre', { textContent: pretty(shown ?? body) })]
  const whole = Object.entries(body ?? {}).filter(([, text]) => typeof text === 'string' && text.includes('\n'))
  return [
    ...groups.flatMap(([name, lines]) => [el('h4', { textContent: spaced(plain(name)) }), list(lines.map(String))]),
    ...whole.map(([name, text]) => el('details', {}, el('summary', { textContent: `The whole text: ${plain(name)}` }), el('pre', { textContent: plain(text) }))),
  ]
}

function requestCard(request) {
  const decide = async (confirm) => {
    const done = await api(`/api/v1/owner-requests/${encodeURIComponent(request.id)}/decide`, { confirm })
    toast(done.result?.message ?? (confirm ? 'Confirmed.' : 'Refused.'))
    await refresh()
  }
  return el(
    'li',
    {},
    el('h3', { textContent: request.summary }),
    el('p', { className: 'quiet', textContent: 'Asked for on the command line of this machine. Refuse it if that was not you.' }),
    ...shownOf(request.params),
    el('div', { className: 'row' }, button('Confirm', 'yes', () => decide(true)), button('Refuse', 'no', () => decide(false))),
  )
}

let expiry
/** What has expired goes, buttons and all, although nothing tells of it. */
function refreshWhenExpired(waiting) {
  clearTimeout(expiry)
  if (waiting.length === 0) return
  const next = Math.min(...waiting.map(({ expiresAt }) => expiresAt)) - Date.now()
  expiry = setTimeout(() => refreshWaiting().catch((error) => toast(error.message)), Math.min(Math.max(next, 0) + 1000, 3_600_000))
}

async function refreshWaiting() {
  const [{ approvals }, { requests }] = await Promise.all([
    api('/api/v1/approvals?status=pending'),
    api('/api/v1/owner-requests'),
  ])
  refreshWhenExpired([...requests, ...approvals])
  const cards = [...requests.map(requestCard), ...approvals.map(approvalCard)]
  $('waiting').replaceChildren(...cards)
  $('waiting-count').textContent = String(cards.length)
  $('nothing').hidden = cards.length > 0
  document.title = cards.length > 0 ? `(${cards.length}) Safeconduct` : 'Safeconduct'
}

// ── Agents and tools ─────────────────────────────────────────────────────────────────────────────────────────

const names = new Map()
const revoked = new Set()
const agentName = (id) => names.get(id) ?? id

function agentCard(agent) {
  const revoke = async () => {
    if (!confirm(`Revoke ${agent.name}? Every grant it holds or handed on fails at its next call.`)) return
    await api('/api/v1/revocations', { kind: 'agent', id: agent.id })
    toast(`${agent.name} is revoked.`)
    await refreshAgents()
  }
  const reset = async () => {
    if (!confirm(`You looked into what ${agent.name} did? Its risk starts anew.`)) return
    await api(`/api/v1/agents/${encodeURIComponent(agent.id)}/trust`, { ceiling: agent.trustCeiling })
    await refreshAgents()
  }
  const level = agent.trust ?? 'unknown'
  return el(
    'li',
    {},
    el(
      'h3',
      {},
      `${agent.name} `,
      agent.status === 'active' ? null : badge(agent.status, 'level-suspended'),
      badge(level, `level-${level}`),
    ),
    el(
      'div',
      { className: 'row quiet' },
      el('span', { textContent: `risk ${agent.risk ?? 0}` }),
      el('meter', { min: 0, max: 100, low: 30, high: 60, optimum: 0, value: agent.risk ?? 0, 'aria-label': 'risk' }),
      el('span', { textContent: `${agent.registration}${agent.autonomous ? ', autonomous' : ''}` }),
    ),
    agent.why.length > 0 ? list(agent.why) : null,
    agent.status === 'revoked'
      ? el('p', { className: 'quiet', textContent: `Nothing of it is allowed. It comes back by a new consent, or: ./safeconduct agents readmit ${agent.name}` })
      : el('div', { className: 'row' }, button('Revoke', 'no', revoke), button('Reset risk', '', reset)),
  )
}

async function refreshAgents() {
  const { agents } = await api('/api/v1/agents')
  revoked.clear()
  for (const agent of agents) {
    names.set(agent.id, agent.name)
    if (agent.status === 'revoked') revoked.add(agent.id)
  }
  $('agents').replaceChildren(...agents.map(agentCard))
}

function toolCard(tool) {
  const approve = async () => {
    await api('/api/v1/tools/approve', { id: tool.id, digest: tool.proposedDigest ?? tool.digest })
    await refreshTools()
  }
  return el(
    'li',
    {},
    el('h3', { textContent: plain(tool.id) }),
    el('p', { textContent: plain(tool.reason ?? '') }),
    el('details', {}, el('summary', { textContent: 'What was approved, and what it is now' }),
      el('pre', { textContent: pretty(tool.definition) }),
      el('pre', { textContent: pretty(tool.proposed ?? tool.definition) })),
    el('div', { className: 'row' }, button('Approve as it is now', 'yes', approve)),
  )
}

async function refreshTools() {
  const { tools } = await api('/api/v1/tools?status=quarantined')
  $('tools').replaceChildren(...tools.map(toolCard))
  $('quarantine').hidden = tools.length === 0
}

// ── Servers ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Headers that the gateway adds for this server; the agent never sees them, and neither does this page again. */
function credentialForm(server) {
  const name = el('input', { name: 'header', value: 'Authorization', required: true, maxLength: 64, 'aria-label': 'Header' })
  const value = el('input', { name: 'value', type: 'password', required: true, autocomplete: 'off', 'aria-label': 'Value', placeholder: 'Bearer …' })
  const save = async () => {
    if (value.value === '') throw new Error('Give the value of the header.')
    await api(`/api/v1/servers/${encodeURIComponent(server.name)}/credential`, { headers: { [name.value]: value.value } })
    value.value = ''
    toast(`The gateway now adds ${name.value} for ${server.name}.`)
    await refreshServers()
  }
  return el(
    'details',
    {},
    el('summary', { textContent: server.credential ? 'Replace the injected credential' : 'Inject a credential' }),
    el('div', { className: 'row' }, name, value, button('Save', 'yes', save)),
  )
}

function serverCard(server) {
  const approve = async () => {
    await api(`/api/v1/servers/${encodeURIComponent(server.name)}/approve`, {})
    toast(`${server.name} is approved.`)
    await refreshServers()
  }
  const where = server.transport.kind === 'http' ? server.transport.url : server.transport.argv.join(' ')
  return el(
    'li',
    {},
    el('h3', {}, `${server.name} `, badge(server.standing, server.standing === 'new' ? 'approval' : 'allow')),
    el('p', { className: 'quiet', textContent: plain(where) }),
    server.standing === 'new'
      ? el('div', { className: 'row' }, button('I looked at it: approve', 'yes', approve))
      : null,
    server.transport.kind === 'http' ? credentialForm(server) : null,
  )
}

async function refreshServers() {
  const { servers } = await api('/api/v1/servers')
  $('servers').replaceChildren(...servers.map(serverCard))
  $('no-servers').hidden = servers.length > 0
}

// ── Decisions ────────────────────────────────────────────────────────────────────────────────────────────────

function whyButton(summary) {
  const node = button('Why', '', () => explain(summary.id))
  node.setAttribute('aria-label', `Why: ${summary.outcome.replace('_', ' ')}, ${summary.server}/${summary.tool}, ${time(summary.at)}`)
  return node
}

function decisionRow(summary) {
  return el(
    'tr',
    { id: `d-${summary.id}` },
    el('td', { textContent: time(summary.at) }),
    el('td', { textContent: agentName(summary.agent) }),
    el('td', { className: 'call', textContent: plain(`${summary.server}/${summary.tool}`) }),
    el('td', {}, badge(summary.outcome, summary.outcome)),
    el('td', { textContent: summary.trust }),
    el('td', { textContent: String(summary.risk) }),
    el('td', { className: 'result', textContent: summary.result ?? '' }),
    el('td', {}, whyButton(summary)),
  )
}

function section(title, lines) {
  return lines.length === 0 ? [] : [el('h3', { textContent: title }), list(lines)]
}

async function explain(id) {
  const { decision, request } = await api(`/api/v1/decisions/${encodeURIComponent(id)}`)
  const { counterfactual } = decision
  $('why-body').replaceChildren(
    el('p', {}, badge(decision.outcome, decision.outcome), plain(` ${request.operation.server}/${request.operation.name ?? request.operation.method}`)),
    ...section('Why', decision.why),
    ...section('What would change it', counterfactual === null ? [] : [`${counterfactual.change} → ${counterfactual.outcome}`]),
    ...section('Evidence', decision.evidence.map((one) => `${one.reason} (${one.bits.toFixed(1)} bits${one.technique ? `, ${one.technique}` : ''})`)),
    ...section('Where the arguments came from', decision.labels.map((one) => `${one.path}: ${one.label}${one.source ? ` (${one.source.tool})` : ''} ${one.preview}`)),
    ...section('Policies', decision.policies.map((one) => `${one.layer}: ${one.effect} ${one.id}`)),
    el('h3', { textContent: 'Arguments' }),
    el('pre', { textContent: pretty(request.operation.args) }),
    el('p', { className: 'quiet' }, `Decision ${id} · `, el('a', { href: `/api/v1/decisions/${encodeURIComponent(id)}/receipt`, download: `receipt-${id}.json`, textContent: 'Download the receipt' })),
  )
  $('why').showModal()
}

async function refreshDecisions() {
  const { decisions } = await api('/api/v1/decisions?limit=50')
  $('decisions').replaceChildren(...decisions.map(decisionRow))
}

// ── Live ─────────────────────────────────────────────────────────────────────────────────────────────────────

function listen() {
  const source = new EventSource('/api/v1/events')
  let lost = false
  source.onopen = () => {
    $('connection').textContent = 'live'
    // What happened meanwhile was not sent.
    if (lost) refresh().catch((error) => toast(error.message))
    lost = false
  }
  source.onerror = () => {
    lost = true
    $('connection').textContent = source.readyState === EventSource.CLOSED ? 'not connected' : 'reconnecting…'
    // A refused stream is not tried again by the browser: asking says whether the session is over.
    if (source.readyState === EventSource.CLOSED) refresh().catch((error) => toast(error.message))
  }
  const on = (type, work) => source.addEventListener(type, (event) => Promise.resolve(work(JSON.parse(event.data))).catch((error) => toast(error.message)))
  on('decision', ({ summary }) => {
    $('decisions').prepend(decisionRow(summary))
    while ($('decisions').children.length > MAX_ROWS) $('decisions').lastElementChild.remove()
    return refreshAgents()
  })
  on('outcome', ({ id, status }) => {
    const cell = document.querySelector(`#d-${CSS.escape(id)} .result`)
    if (cell) cell.textContent = status
  })
  on('approval', refreshWaiting)
  on('owner-request', () => Promise.all([refreshWaiting(), refreshServers()]))
  on('trust', ({ agent, from, to, why }) => {
    toast(`${agentName(agent)}: ${from} → ${to}. ${why}`)
    return refreshAgents()
  })
  on('revoked', () => refreshAgents().then(refreshWaiting))
  // Risk fades with time alone.
  setInterval(() => document.hidden || $('desk').hidden || refreshAgents().catch(() => undefined), FADE_MS)
  on('tool', refreshTools)
}

function signedOut() {
  $('desk').hidden = true
  $('signed-out').hidden = false
}

async function refresh() {
  await refreshAgents()
  await Promise.all([refreshWaiting(), refreshTools(), refreshServers(), refreshDecisions()])
}

async function start() {
  const session = await fetch('/api/v1/session', { credentials: 'same-origin' })
  if (!session.ok) return signedOut()
  const { name, csrf: token, enforcement } = await session.json()
  csrf = token
  $('who').textContent = plain(name)
  $('enforcement').textContent = enforcement
  $('enforcement').hidden = false
  $('sign-out').hidden = false
  $('sign-out').addEventListener('click', () => {
    const form = el('form', { method: 'post', action: '/signout', hidden: true })
    form.append(el('input', { type: 'hidden', name: 'csrf', value: csrf }))
    document.body.append(form)
    form.submit()
  })
  $('desk').hidden = false
  await refresh()
  listen()
}

start().catch((error) => toast(error.message))
