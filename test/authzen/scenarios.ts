/**
 * The scenarios of the public interop events as Cedar: the rules are ours, the people and records are read from the data
 * files when the test runs.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { StoreSource } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import * as z from 'zod'

const record = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  owner: z.string(),
  department: z.string().optional(),
})
const person = z.object({ id: z.string(), role: z.string().optional(), department: z.string().optional() })

const read = <T>(schema: z.ZodType<T>, ...place: string[]): T =>
  schema.parse(JSON.parse(readFileSync(path.join(...place), 'utf8')))

function people(folder: string): JsonObject[] {
  return read(z.array(person), folder, 'users.json').map(({ id, ...attrs }) => ({
    uid: { type: 'user', id },
    attrs: JSON.parse(JSON.stringify(attrs)),
  }))
}

function records(folder: string): JsonObject[] {
  return read(z.array(record), folder, 'records.json').map(({ id, owner, department }) => ({
    uid: { type: 'record', id },
    attrs: { owner: { type: 'user', id: owner }, ...(department === undefined ? {} : { department }) },
  }))
}

/** view: owner, same department, or manager. edit: owner, or manager of the same department. delete: owner. */
export function searchScenario(interop: string): StoreSource {
  const folder = path.join(interop, 'authzen-search-demo/data')
  return {
    schema: `
      entity user { role: String, department: String };
      entity record { owner: user, department: String };
      action view, edit, delete appliesTo { principal: [user], resource: [record] };`,
    policies: `
      @id("owner") permit(principal, action, resource) when { resource.owner == principal };
      @id("department-views") permit(principal, action == Action::"view", resource)
        when { resource.department == principal.department };
      @id("manager-views") permit(principal, action == Action::"view", resource) when { principal.role == "manager" };
      @id("manager-edits") permit(principal, action == Action::"edit", resource)
        when { principal.role == "manager" && resource.department == principal.department };`,
    entities: [...people(folder), ...records(folder)],
  }
}

export function idpScenario(interop: string): StoreSource {
  const folder = path.join(interop, 'authzen-idp/data')
  return {
    schema: `
      entity user;
      entity record { owner: user };
      action delete appliesTo { principal: [user], resource: [record] };`,
    policies: `@id("owner") permit(principal, action, resource) when { resource.owner == principal };`,
    entities: [...people(folder), ...records(folder)],
  }
}

/** Five people in this order: one may everything, two create and look after their own, two only read. */
const ROLES = ['admin', 'editor', 'editor', 'viewer', 'viewer'] as const

interface Asked {
  readonly subject: string
  readonly action: string
  readonly resource: string
}

/** The subject ids are those of the questions; whose address is whose is told by whom each person looks up. */
function members(asked: readonly Asked[], type: string): JsonObject[] {
  const subjects = [...new Set(asked.map(({ subject }) => subject))]
  return subjects.map((id, at) => {
    const looked = asked.filter((one) => one.subject === id && one.action === 'can_read_user')
    const email = looked[1]?.resource
    const role = ROLES[at]
    return {
      uid: { type, id },
      attrs: { role: role ?? 'none', ...(email === undefined ? {} : { email }) },
    }
  })
}

export function todoScenario(asked: readonly Asked[]): StoreSource {
  return {
    schema: `
      entity user { role?: String, email?: String };
      entity todo { ownerID?: String };
      action can_read_user appliesTo { principal: [user], resource: [user] };
      action can_read_todos, can_create_todo, can_update_todo, can_delete_todo
        appliesTo { principal: [user], resource: [todo] };`,
    policies: `
      @id("members-read") permit(principal, action in [Action::"can_read_user", Action::"can_read_todos"], resource)
        when { principal has role };
      @id("editors-create") permit(principal, action == Action::"can_create_todo", resource)
        when { principal has role && ["admin", "editor"].contains(principal.role) };
      @id("admin-all") permit(principal, action in [Action::"can_update_todo", Action::"can_delete_todo"], resource)
        when { principal has role && principal.role == "admin" };
      @id("editors-own") permit(principal, action in [Action::"can_update_todo", Action::"can_delete_todo"], resource)
        when { principal has role && principal.role == "editor" && principal has email && resource has ownerID && resource.ownerID == principal.email };`,
    entities: members(asked, 'user'),
  }
}

/** Routes of the same application: everybody reads, those who may create change. */
export function gatewayScenario(asked: readonly Asked[]): StoreSource {
  return {
    schema: `
      entity identity { role?: String };
      entity route;
      action GET, POST, PUT, DELETE appliesTo { principal: [identity], resource: [route] };`,
    policies: `
      @id("members-get") permit(principal, action == Action::"GET", resource) when { principal has role };
      @id("editors-change") permit(principal, action in [Action::"POST", Action::"PUT", Action::"DELETE"], resource)
        when { principal has role && ["admin", "editor"].contains(principal.role) };`,
    entities: members(asked, 'identity'),
  }
}
