/**
 * What is said, and to whom. Remedies are for the agent: what it may do next, no threshold, nobody else's resource, no
 * untrusted text. Sentences of `why` are for the entitled.
 * @module
 */
import type {
  ArgumentLabel,
  CounterfactualStep,
  Elevation,
  ErrorCode,
  PolicyReason,
} from '@safeconduct/protocol'
import type { RelationsByPrincipal } from '../policy/relations.ts'

const REMEDIES: Partial<Readonly<Record<ErrorCode, string>>> = {
  approval_required: 'A person has been asked. Repeat the same call with the same arguments later.',
  approval_refused: 'A person refused this call. Do not repeat it; tell the user.',
  step_up_required: 'Repeat the call with a new proof of the key.',
  insufficient_scope: 'Ask for a token with the scopes named here.',
  budget_exhausted: 'The errand allows no more of this. Tell the user.',
  tool_quarantined: 'The tool waits for the owner. Go on without it.',
  unknown_tool: 'Use a tool from the list.',
  too_large: 'Send less at once and repeat the call.',
  invalid_params: 'Correct the arguments and repeat the call.',
  revoked: 'The grant is no longer valid. Ask for a new one.',
  invalid_token: 'The grant is no longer valid. Ask for a new one.',
  expired: 'The errand has ended. Ask the user for a new one.',
  policy_missing: 'The owner has to load a policy first.',
  overloaded: 'Repeat the call later.',
  rate_limited: 'Wait before calling again.',
  not_found: 'There is no such server here.',
  chain_too_long: 'Call with fewer agents in between.',
}

export function remedyOf(code: ErrorCode | null): string {
  if (code === null) return 'Go on.'
  return REMEDIES[code] ?? 'This is not allowed here. Go on without it, or tell the user.'
}

export function policySentence(reason: PolicyReason): string {
  const whose = reason.layer === 'user' ? "The user's" : "The agent's"
  return `${whose} policy ${reason.id} ${reason.effect === 'forbid' ? 'forbids' : 'permits'} this.`
}

export function elevationSentence({ for: kind, role, expiresAt, reason }: Elevation): string {
  const until = new Date(expiresAt).toISOString()
  return `The ${kind} holds the role ${role} for this errand until ${until}: ${reason}`
}

/** What was found of relations, for a call that was not allowed: which fact said no. */
export function relationSentences(facts: RelationsByPrincipal): string[] {
  return Object.entries(facts).flatMap(([principal, held]) =>
    Object.entries(held)
      .filter(([, answer]) => !answer)
      .map(([relation]) => `${principal} is not ${relation} of what the call names.`),
  )
}

/** The step as a sentence for the entitled, and how it is done. */
export function stepSentence(step: CounterfactualStep): string {
  switch (step.kind) {
    case 'approval':
      return 'A person approves exactly this call.'
    case 'fresh-proof':
      return 'The agent proves its key again now.'
    case 'argument':
      return `The argument ${step.path} is ${JSON.stringify(step.value)}.`
    case 'scope':
      return `The token has the scopes ${step.scopes.join(' ')}.`
    case 'errand':
      return `The errand allows this (${step.member}).`
    case 'budget':
      return `The ${step.member} of the errand is ${step.limit}.`
    case 'tool':
      return `The owner approves the tool ${step.tool} as it is now.`
    case 'server':
      return `The owner approves the server ${step.server}.`
    case 'intent':
      return `The user's own words for a new errand name the values of ${step.paths.join(', ')}.`
    case 'review':
      return `The owner looks into the agent ${step.agent}, and what is held against it is reset.`
    case 'ceiling':
      return `The owner lifts the ceiling ${step.level} from the trust of the agent ${step.agent}.`
    case 'key':
      return 'The agent calls with a key of its own and proves it.'
    case 'relation':
      return `${step.user} is ${step.relation} of ${step.object}.`
    case 'elevation':
      return `The ${step.principal} ${step.id} holds the role ${step.role}, for this errand or for good.`
    case 'zone-flow':
      return `The policy lets ${step.from || 'none'} -> ${step.to || 'none'}: ${step.effect}.`
  }
}

const ASKED_ABOUT = 8
/** Which argument, what it holds as far as it may be told, and where that came from: of every value that steers the call and is not the user's. */
export function originSentences(labels: readonly ArgumentLabel[]): string[] {
  return labels
    .filter(({ sink, label }) => sink && label !== 'user')
    .slice(0, ASKED_ABOUT)
    .map(({ path, preview: shown, label, source }) => {
      const value = `The argument ${plain(path)} holds ${shown}`
      if (source === null) return `${value}, which stands in nothing that was read for the errand.`
      const field = source.field === null ? '' : `, field ${plain(source.field)}`
      return `${value}, from ${plain(source.tool)}${field} (${label}).`
    })
}

/** Names are given by servers and agents; one that could say something else is not repeated. */
function plain(name: string): string {
  return /^[\p{L}\p{N}_./:[\]-]{1,96}$/u.test(name) ? name : '(an unusual name)'
}

/** At most two characters of a value may stand in a label: enough to recognise one's own, not to use it. */
export function preview(value: string, secret: boolean): string {
  const length = [...value].length
  if (secret || length <= 6) return `… (${length} characters)`
  return `${[...value].slice(0, 2).join('')}… (${length} characters)`
}
