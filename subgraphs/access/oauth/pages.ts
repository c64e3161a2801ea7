/** The pages on which people let applications in: plain HTML, without scripts, for whatever browser or reader. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { sha256 } from '#core/digest.ts';
import type { Permission } from '#core/viewer.ts';
import { type Html, html } from './html.ts';

const style = `
:root { color-scheme: light dark; --text: #1c2430; --quiet: #566072; --page: #f3f5f8; --card: #fff; --line: #ccd3dd; --accent: #0b57d0; --on-accent: #fff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #e6eaf0; --quiet: #a7b1c0; --page: #12161c; --card: #1b2129; --line: #3a4452; --accent: #8ab4f8; --on-accent: #0b1a33; --bad: #f2b8b5; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 0 auto; padding: 1.75rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.35rem; line-height: 1.3; overflow-wrap: anywhere; }
h2 { margin: 1.25rem 0 .5rem; font-size: 1rem; }
p, ul, dl { margin: 0 0 1rem; }
.quiet { color: var(--quiet); font-size: .9rem; }
.error { padding: .75rem; border: 1px solid var(--bad); border-radius: .5rem; color: var(--bad); }
label { display: block; font-weight: 600; }
input[type=password] { width: 100%; margin: .35rem 0 .35rem; padding: .6rem; border: 1px solid var(--quiet); border-radius: .5rem; background: var(--card); color: var(--text); font: inherit; }
fieldset { margin: 0 0 1rem; padding: 0; border: 0; }
legend { padding: 0; font-weight: 600; }
.choice { display: flex; gap: .6rem; align-items: baseline; margin: .5rem 0; font-weight: 400; }
.choice code { display: block; color: var(--quiet); font-size: .85rem; }
.events { max-height: 10rem; overflow: auto; overflow-wrap: anywhere; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
button { padding: .6rem 1.25rem; border: 1px solid var(--accent); border-radius: .5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }
button.second { background: transparent; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

/** Of the pages: no script, no picture, nothing from elsewhere, in nobody's frame. */
export const contentSecurityPolicy = (redirectUri?: string): string => {
  // Browsers hold what a form leads to against `form-action` also after redirects: back to the application.
  const target = redirectUri === undefined ? null : URL.parse(redirectUri);
  const leads = target ? ` ${target.origin === 'null' ? target.protocol : target.origin}` : '';
  return `default-src 'none'; style-src 'sha256-${sha256(style, 'base64')}'; form-action 'self'${leads}; frame-ancestors 'none'; base-uri 'none'`;
};

const page = (title: string, body: Html): string =>
  html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${title} – Eventgraph</title><style>${{ html: style }}</style></head>
<body><main>${body}</main></body>
</html>
`.html;

const alert = (error: string | undefined): Html | undefined => (error === undefined ? undefined : html`<p class="error" role="alert" id="error">${error}</p>`);

export type LoginPage = { readonly action: string; readonly clientName: string; readonly error?: string | undefined };

export const loginPage = ({ action, clientName, error }: LoginPage): string =>
  page(
    'Sign in with your key',
    html`<h1>Sign in to connect “${clientName}”</h1>
${alert(error)}
<p>The application “${clientName}” asks for access to this Eventgraph hub. Show your API key; on the next page you choose what to allow.</p>
<form method="post" action="${action}/login" autocomplete="off">
<label for="key">API key</label>
<input type="password" id="key" name="key" required maxlength="200" autocomplete="off" spellcheck="false" aria-describedby="key-note${error === undefined ? '' : ' error'}">
<p class="quiet" id="key-note">It begins with IPK_ and stays with the hub: the application never sees it.</p>
<div class="actions"><button type="submit">Continue</button><button class="second" type="submit" formaction="${action}/consent" formnovalidate name="decision" value="deny">Cancel</button></div>
</form>`,
  );

const meanings: Readonly<Record<Permission, string>> = {
  read_events: 'Read events',
  read_attendance: 'Read attendance and check-ins, live and past',
  read_participants: 'Read participants',
  read_orders: 'Read orders',
  manage_services: 'Register and change event services',
  webhook_subscribe: 'Be told of what happens by webhooks',
  book_tickets: 'Reserve, pay and cancel tickets',
  manage_tickets: 'Change artists, venues, ticketed events and tickets',
  collect_activity: 'Collect activity of people',
  publish_operations: 'Publish its own operations',
  admin: 'Everything, also making keys and reading the audit log',
};

export type ConsentPage = {
  readonly action: string;
  readonly clientName: string;
  /** Host or scheme that the person is sent back to. */
  readonly returnsTo: string;
  readonly keyName: string;
  readonly offered: readonly Permission[];
  /** Asked for, and not to be had with this key. */
  readonly withheld: readonly string[];
  /** Null for all. */
  readonly events: readonly string[] | null;
  readonly endsAt: Date;
  readonly error?: string | undefined;
};

const mostEventsListed = 200;

export const consentPage = ({ action, clientName, returnsTo, keyName, offered, withheld, events, endsAt, error }: ConsentPage): string =>
  page(
    'Allow access',
    html`<h1>Allow “${clientName}” access?</h1>
${alert(error)}
<p>It acts with the key “${keyName}”, within what is allowed here, until ${endsAt.toISOString().slice(0, 10)} or until you end it. You return to <strong>${returnsTo}</strong>.</p>
<form method="post" action="${action}/consent">
<fieldset><legend>It may</legend>
${offered.map((permission) => html`<label class="choice"><input type="checkbox" name="scope" value="${permission}"${permission !== 'admin' && html` checked`}><span>${meanings[permission]}<code>${permission}</code></span></label>`)}
</fieldset>
${withheld.length > 0 && html`<p class="quiet">Not allowed by this key or to this application: ${withheld.join(', ')}.</p>`}
<h2 id="events">Events that it sees</h2>
${eventList(events)}
<div class="actions"><button type="submit" name="decision" value="allow">Allow</button><button class="second" type="submit" name="decision" value="deny">Deny</button></div>
</form>`,
  );

const eventList = (events: readonly string[] | null): Html => {
  if (events === null) return html`<p>All events.</p>`;
  if (events.length === 0) return html`<p>Public events only.</p>`;
  const more = events.length - mostEventsListed;
  return html`<ul class="events" aria-labelledby="events" tabindex="0">${events.slice(0, mostEventsListed).map((id) => html`<li>${id}</li>`)}${more > 0 && html`<li>and ${more} more</li>`}</ul>`;
};

export const errorPage = (title: string, text: string, code?: string): string =>
  page(title, html`<h1>${title}</h1><p>${text}</p>${code !== undefined && html`<p class="quiet">Code: <code>${code}</code></p>`}`);

/** What cannot be told to the application is told to the person. */
export const showErrorPage = (ctx: KoaContextWithOIDC, { error, error_description: description }: { error: string; error_description?: string | undefined }): void => {
  ctx.type = 'html';
  ctx.set('content-security-policy', contentSecurityPolicy());
  ctx.body = errorPage('This request cannot be answered', description ?? 'Go back to the application and try again.', error);
};
