/**
 * The owner at the live page, scripted: signs in with the one-time link and decides through the same API the page
 * uses, session cookie and anti-forgery token included.
 * @module
 */
import { createBrowser } from './browser.ts'

export interface PendingApproval {
  readonly id: string
  readonly argsDigest: string
  readonly server: string
  readonly tool: string
  readonly why: readonly string[]
}

export interface OwnerAtPage {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  pending(): Promise<PendingApproval[]>
  decide(approval: PendingApproval, approve: boolean): Promise<void>
}

export async function signInOwner(url: string, signInLink: string): Promise<OwnerAtPage> {
  const browser = createBrowser()
  const page = await browser.go(new URL('/signin', url), url)
  await browser.submit(page, url, { secret: new URL(signInLink).hash.slice(1), next: '/' })
  let csrf = ''
  async function call<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(new URL(path, url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        cookie: browser.cookies(),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'x-csrf-token': csrf }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as T & { message?: string }
    if (!response.ok) throw new Error(answer.message ?? `${path}: ${response.status}`)
    return answer
  }
  csrf = (await call<{ csrf: string }>('/api/v1/session')).csrf
  return {
    get: (path) => call(path),
    post: (path, body) => call(path, body),
    async pending() {
      return (await call<{ approvals: PendingApproval[] }>('/api/v1/approvals?status=pending')).approvals
    },
    async decide(approval, approve) {
      await call(`/api/v1/approvals/${approval.id}/decide`, { approve, args_digest: approval.argsDigest })
    },
  }
}
