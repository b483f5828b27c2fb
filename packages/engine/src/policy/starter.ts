/**
 * The policies a new installation starts with: the table of trust levels, the rule for new servers, and what each
 * kind of doubt asks for. Written to be read and changed; `policy/starter.test.ts` holds them to the table row by
 * row. Facts about behaviour, provenance, tenant and trust are never assumed when the engine looks for what would
 * help: only `context.freshProof` and `context.approved` are.
 * @module
 */
import type { PolicySource } from './engine.ts'

const AGENT = `
// The agent's own rights. Everything is forbidden that no permit allows; a forbid always wins.

@id("agent-may-work")
permit (principal is Agent, action, resource);

// ── Trust levels ─────────────────────────────────────────────────────────────────────────────────────────────
// 0 suspended · 1 restricted · 2 limited · 3 standard · 4 elevated. The level comes from how well the agent is
// proven and how it behaves; changes hold from the next call on.

@id("suspended-does-nothing")
forbid (principal, action, resource)
when { context.trust.rank <= 0 };

@id("restricted-only-reads-done-before")
forbid (principal, action, resource)
when { context.trust.rank == 1 }
unless { action in Action::"list" || (action in Action::"read" && context.tool.seenBefore) };

@id("limited-writes-reversibly-in-a-closed-world")
forbid (principal, action in [Action::"write", Action::"destructive"], resource)
when { context.trust.rank == 2 }
unless { (context.tool.reversible && !context.tool.openWorld && !context.tool.destructive) || context.approved };

// Standard has the scope of its task, which is checked before policy. Reserve something for attested agents
// (elevated) like this:
//   forbid (principal, action == Action::"bank/close_account", resource) unless { context.trust.rank == 4 };

// ── New servers ──────────────────────────────────────────────────────────────────────────────────────────────
// Nobody has looked at them yet: reads are allowed, side effects wait for a person.

@id("new-server-writes-need-approval")
forbid (principal, action in [Action::"write", Action::"destructive"], resource)
when { context.server.standing == "new" }
unless { context.approved };

// ── Doubt about where a value came from ──────────────────────────────────────────────────────────────────────

@id("steered-by-untrusted-text")
forbid (principal, action, resource)
when { context.provenance.doubt == "deny" };

// Private data that the errand read, on its way to where somebody else's text wants it. Less clear shapes are asked about.
@id("private-data-led-out")
forbid (principal, action, resource)
when { context.provenance has exfiltration && context.provenance.exfiltration };

@id("origin-needs-a-persons-word")
forbid (principal, action, resource)
when { context.provenance.doubt == "approval" }
unless { context.approved };

// ── Doubt about behaviour ────────────────────────────────────────────────────────────────────────────────────
// A key proof clears none of it: an agent that was talked into something still holds its key.

@id("unusual-writes-need-approval")
forbid (principal, action in [Action::"write", Action::"destructive"], resource)
when { context.risk >= 30 }
unless { context.approved };

// The same for reads, where it is the read itself that is odd: of what the agent else reads nothing waits. Where the
// server is registered as restricted or secret, sooner.
@id("unusual-reads-need-approval")
forbid (principal, action in Action::"read", resource)
when {
  (context.risk >= 30 || (context.sensitivity >= 3 && context.risk >= 15)) &&
  context.evidence.detectors.containsAny(["rare-reads", "breadth", "argument-shape", "new-zone", "unused-tool"])
}
unless { context.approved };

// ── Doubt about the credential ───────────────────────────────────────────────────────────────────────────────

@id("credential-needs-fresh-proof")
forbid (principal, action in [Action::"read", Action::"write", Action::"destructive"], resource)
when { context.credentialDoubt }
unless { context.freshProof };

// ── Zones ────────────────────────────────────────────────────────────────────────────────────────────────────
// Where zones are set (agents zone, servers zone), nothing reaches from one into another. A flow that is wanted is
// written here: @flows("train -> validate: write; validate -> train: read"); none is where no zone is set.

@id("zones-apart")
forbid (principal, action, resource)
unless { context.zone.flow };

// ── Autonomy ─────────────────────────────────────────────────────────────────────────────────────────────────

@id("autonomy-is-registered")
forbid (principal is Agent, action, resource)
when { context.autonomous }
unless { principal.autonomous };
`

const USER = `
// The user's rights, evaluated apart and intersected with the agent's. What the user delegated narrows them further
// before policy is asked (tools, arguments, budget, expiry of the task).

@id("user-may-delegate")
permit (principal is User, action, resource);

// An agent without a user stands here for itself, and needs this policy to be allowed anything at all.
@id("autonomous-agent")
permit (principal is Agent, action, resource)
when { context.autonomous && principal.autonomous };
`

export const STARTER_POLICIES: PolicySource = { agentPolicies: AGENT, userPolicies: USER }
