/**
 * What everything in the daemon stands on: the data directory taken for this process, store, keys, ledger, decider.
 * @module
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  type Bus,
  type Checks,
  type Clock,
  createCedarEngine,
  createChecks,
  createOracle,
  type EngineDecider,
  type Ids,
  type Keyring,
  type Oracle,
  openDecider,
  type Store,
} from '@safeconduct/engine'
import { type Log, openLog } from '@safeconduct/ledger'
import type { Config } from '@safeconduct/protocol'
import { openRelations, type RelationService } from '@safeconduct/server'
import {
  createBus,
  createClock,
  createIds,
  createKeyring,
  createNetworks,
  createVault,
  type DirectoryLock,
  loadRootKey,
  lockDataDirectory,
  type Networks,
  openSqliteStore,
  type Vault,
} from '@safeconduct/store'
import { createCheckRunner } from './check-runner.ts'
import { createDirectory, type ServerDirectory } from './directory.ts'
import { graphFiles } from './graph-files.ts'
import { openIndicators } from './intelligence.ts'
import { fromLedger, ledgerPort } from './ledger-port.ts'
import { createQuarantine, type Quarantine, type Quarantined } from './quarantine.ts'
import { openRelationsServer } from './relations-server.ts'
import { type Undo, unwinding } from './unwind.ts'

export interface Foundation {
  readonly directory: string
  readonly store: Store
  readonly vault: Vault
  readonly keyring: Keyring
  readonly clock: Clock
  readonly ids: Ids
  readonly bus: Bus
  readonly log: Log
  readonly decider: EngineDecider
  readonly servers: ServerDirectory
  /** Counts of live evaluations asked again of cedar-wasm; null when none are. */
  readonly oracle: Oracle | null
  readonly relations: RelationService
  /** Knows nothing until the daemon listens and has it load. */
  readonly networks: Networks
  /** On a thread of their own. */
  readonly checks: Checks
  readonly quarantine: Quarantine
  /** What is kept and cannot be used now, model versions of relations included. */
  quarantined(): readonly Quarantined[]
  /** What keeps calls from being recorded, by name; empty when nothing does. */
  unready(): readonly string[]
  /** In the order that loses nothing: decider (drains), ledger, store, lock. */
  close(): Promise<void>
}

/** One tenant per embedded daemon; every record carries it all the same. */
export const TENANT = 'default'
export const LEDGER_DIRECTORY = 'ledger'
/** How long summaries of decisions wait for others; lists show a decision this much later. */
export const GATHER_MS = 100
/** After a refusal by the ledger we say for so long that we are not ready; then whoever balances load may try again. */
const UNREADY_MS = 10_000

/** @throws `already_running`, `ledger_corrupt` and what store and keys throw; whatever was opened is closed again */
export async function openFoundation(config: Config, warn: (text: string) => void): Promise<Foundation> {
  const undo: Undo[] = []
  const close = unwinding(undo)
  try {
    const lock: DirectoryLock = lockDataDirectory(config.SAFECONDUCT_DATA, { warn })
    undo.push(() => lock.release())
    const { directory } = lock
    const root = loadRootKey(directory)
    const store = await openSqliteStore({ directory })
    undo.push(() => store.close())
    const vault = createVault({ root, blobs: store.blobs })
    const keyring = createKeyring({ root, blobs: store.blobs })
    const clock = createClock()
    const ids = createIds(clock)
    const bus = createBus()
    const log = await openLedger(directory, vault, config)
    undo.push(() => log.close())
    let refusedAt = Number.NEGATIVE_INFINITY
    const networks = createNetworks({ cache: path.join(directory, 'cache'), warn })
    undo.push(() => networks.close())
    const intelligence = await openIndicators(config, warn)
    if (intelligence !== null) undo.push(() => intelligence.close())
    const oracle = watchOver(config, warn)
    const remote = openRelationsServer(config, () => clock.now(), warn)
    if (remote !== null) undo.push(() => remote.close())
    const quarantine = createQuarantine(warn)
    const decider = await openDecider({
      clock,
      ids,
      store,
      keyring,
      bus,
      ledger: ledgerPort(log, () => {
        refusedAt = clock.now()
      }),
      policyEngine: createCedarEngine(oracle),
      networks,
      ...(intelligence === null ? {} : { intelligence: intelligence.indicators }),
      onQuarantined: quarantine.add,
      later: (job) => void setImmediate(job),
      gather: () => setTimeout(GATHER_MS),
      ...(remote === null ? {} : { fetchRelations: remote.fetch }),
      settings: {
        enforcement: config.SAFECONDUCT_ENFORCEMENT,
        approvalTtl: config.SAFECONDUCT_APPROVAL_TTL * 1000,
        contestWindow: config.SAFECONDUCT_CONTEST_WINDOW * 1000,
        hotAgents: config.SAFECONDUCT_HOT_AGENTS,
      },
    })
    undo.push(() => decider.close())
    const runner = createCheckRunner()
    undo.push(() => runner.close())
    const checks = createChecks(runner.run, (tenant) => decider.schemaParts(tenant))
    const directed = await createDirectory(store, TENANT, decider, (event) => quarantine.lift(event))
    const relations = await openRelations(
      {
        store,
        clock,
        ids,
        files: graphFiles(directory),
        checks,
        onFacts: (tenant, facts) => {
          // Policies ask one place only.
          if (remote === null) directed.decider.control({ type: 'relations', tenant, facts })
        },
        onRecorded: () => void decider.drainOutbox().catch(() => undefined),
        onError: (message) => warn(message),
      },
      [TENANT],
    )
    undo.push(() => relations.close())
    const unready = () => (clock.now() - refusedAt < UNREADY_MS ? ['ledger'] : [])
    const quarantined = () => [...quarantine.parts(), ...quarantinedRelations(relations)]
    return {
      checks,
      quarantine,
      quarantined,
      oracle: oracle ?? null,
      directory,
      store,
      vault,
      keyring,
      clock,
      ids,
      bus,
      log,
      ...directed,
      relations,
      networks,
      unready,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function quarantinedRelations(relations: RelationService): Quarantined[] {
  return relations.spaces(TENANT).flatMap(({ record, graph }) => {
    const kind = 'relation model'
    if (graph.sealed !== undefined)
      return [{ kind: 'relation space', id: record.name, why: graph.sealed.message }]
    return graph.quarantined.map(({ id, why }) => ({ kind, id: `${record.name}/${id}`, why: why.message }))
  })
}

/** A sample of live policy evaluations is asked again of cedar-wasm, when the configuration says so. */
function watchOver(config: Config, warn: (text: string) => void): Oracle | undefined {
  const rate = config.SAFECONDUCT_CEDAR_SHADOW
  if (rate === 0) return undefined
  return createOracle({
    rate,
    onDifference: ({ layer, live, oracle }) =>
      warn(
        `A policy evaluation of the ${layer} layer differs from cedar-wasm: ${live.decision} (${live.reasons.join(', ')}), there ${oracle.decision} (${oracle.reasons.join(', ')}).`,
      ),
  })
}

const SYSTEM = 'system'

async function openLedger(directory: string, vault: Vault, config: Config): Promise<Log> {
  const key = await ledgerKey(vault)
  // The origin names the log for good, so it comes from the first start, not from today's public URL.
  const origin = await vault.getOrCreate(SYSTEM, 'ledger-origin', () =>
    Buffer.from(originName(config), 'utf8'),
  )
  try {
    return await openLog({
      directory: path.join(directory, LEDGER_DIRECTORY),
      origin: Buffer.from(origin.value).toString('utf8'),
      key,
      segmentBytes: config.SAFECONDUCT_DISK_RESERVE,
    })
  } catch (error) {
    throw fromLedger(error, true)
  }
}

function originName(config: Config): string {
  return config.SAFECONDUCT_PUBLIC_URL === undefined
    ? 'localhost/safeconduct'
    : `${new URL(config.SAFECONDUCT_PUBLIC_URL).host}/log`
}

async function ledgerKey(vault: Vault): Promise<KeyObject> {
  const secret = await vault.getOrCreate(SYSTEM, 'ledger-signing-key', () =>
    generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }),
  )
  return createPrivateKey({ key: Buffer.from(secret.value), format: 'der', type: 'pkcs8' })
}
