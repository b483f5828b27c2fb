/**
 * Sign-in with the one-time link, and sign-out.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { html, sendPage } from '../pages/html.ts'
import { SIGN_IN_SCRIPT, signInPage } from '../pages/sign-in-page.ts'
import { fromOurPage, parseForm, readBody, redirect } from './http.ts'
import { type Context, PATHS } from './options.ts'
import { type Sessions, sameSecret } from './sessions.ts'

export function signInLink(issuer: string, secret: string): string {
  return `${issuer}${PATHS.signIn}#${secret}`
}

export async function handleSignIn(
  context: Context,
  sessions: Sessions,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (req.method === 'GET' || req.method === 'HEAD') return show(res, '/', null)
  if (req.method !== 'POST') return wrongMethod(res, 'GET, POST')
  const form = parseForm(req, await readBody(req))
  const next = localPath(form.one('next'))
  if (!fromOurPage(req, context.issuer)) return show(res, next, 'The form did not come from this page.')
  // Pasted whole, the link is cut down to its secret.
  const secret = (form.one('secret') ?? '').split('#').at(-1)?.trim() ?? ''
  if (sessions.begin(secret, res) === null) {
    context.log('warn', 'sign-in refused')
    return show(res, next, 'That link is not valid: it works once, and for ten minutes.')
  }
  context.log('info', 'the owner signed in')
  redirect(res, next)
}

function show(res: ServerResponse, next: string, problem: string | null): void {
  sendPage(res, {
    status: problem === null ? 200 : 403,
    title: 'Sign in',
    body: signInPage({ next, problem }),
    script: SIGN_IN_SCRIPT,
  })
}

/** Only pages of ours that wait for a sign-in are gone on to. */
function localPath(next: string | null): string {
  return next !== null && /^\/oauth\/consent\/[A-Za-z0-9_-]{1,128}$/.test(next) ? next : '/'
}

export async function handleSignOut(
  context: Context,
  sessions: Sessions,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (req.method !== 'POST') return wrongMethod(res, 'POST')
  const form = parseForm(req, await readBody(req))
  const session = sessions.find(req)
  if (session !== null) {
    if (!fromOurPage(req, context.issuer) || !sameSecret(form.one('csrf') ?? '', session.csrf)) {
      return sendPage(res, {
        status: 403,
        title: 'Not signed out',
        body: html`<p>The form is not valid.</p>`,
      })
    }
    sessions.end(req, res)
  }
  redirect(res, '/')
}

function wrongMethod(res: ServerResponse, allow: string): void {
  res.setHeader('Allow', allow)
  sendPage(res, { status: 405, title: 'Not possible', body: html`<p>That method is not supported here.</p>` })
}
