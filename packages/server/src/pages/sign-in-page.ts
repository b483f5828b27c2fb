/**
 * Pages of the one-time sign-in: the one the link opens, and the one that says how to get a link.
 * @module
 */
import { type Html, html } from './html.ts'

/**
 * Takes the secret out of the address (it was never sent), forgets it there, and posts it. A link that is opened in a
 * tab that shows this page already changes nothing but the part after “#”: it is taken then, too.
 */
export const SIGN_IN_SCRIPT = `
const take = () => {
  const secret = location.hash.slice(1)
  history.replaceState(null, '', location.pathname)
  if (secret === '') return
  document.getElementById('secret').value = secret
  document.getElementById('form').submit()
}
addEventListener('hashchange', take)
take()`

/** Looks again when the person comes back from signing in in another tab, unless they began to type. */
export const WAIT_SCRIPT = `
addEventListener('focus', () => {
  const field = document.getElementById('secret')
  if (field.value === '' && document.activeElement !== field) location.reload()
})`

export interface SignInView {
  /** Path on this origin to go on to. */
  readonly next: string
  /** What went wrong just now. */
  readonly problem: string | null
}

export function signInForm(view: SignInView): Html {
  return html`${view.problem === null ? null : html`<p class="warn" role="alert">${view.problem}</p>`}
<form id="form" method="post" action="/signin">
<input type="hidden" name="next" value="${view.next}">
<label for="secret">Secret of the sign-in link</label>
<input id="secret" name="secret" type="password" autocomplete="off" autocapitalize="off" spellcheck="false" required maxlength="512">
<p class="hint">The part of the link after “#”, or the whole link.</p>
<div class="actions"><button type="submit">Sign in</button></div>
</form>`
}

export function signInPage(view: SignInView): Html {
  return view.problem === null
    ? html`<p>Signing you in with the link from the terminal. It works once.</p>${signInForm(view)}`
    : html`${signInForm(view)}<p class="hint">Safeconduct prints a new link when it starts: stop it (<code>./safeconduct down</code>) and start it again.</p>`
}

export function needSignInPage(view: SignInView): Html {
  return html`<p>An agent asks for your consent, and only you can give it. Sign in first.</p>
<ol><li>Open the one-time sign-in link that Safeconduct printed when it started, in this browser.</li>
<li>Come back to this page; it goes on by itself.</li></ol>
<p class="hint">No link left? It works once and for ten minutes; Safeconduct prints a new one when it starts.</p>
${signInForm(view)}`
}
