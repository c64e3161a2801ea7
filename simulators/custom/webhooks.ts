/** How the venue desk signs what it pushes. */
import { createHmac, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

export type Signing =
  | { readonly kind: 'none' }
  | { readonly kind: 'hmac'; readonly header: string; readonly algorithm: string; readonly encoding: 'hex' | 'base64'; readonly prefix: string; /** Sent in this header, and signed before the body. */ readonly timestampHeader?: string }
  | { readonly kind: 'standardWebhooks' };

export type Push = { readonly headers: Record<string, string>; readonly body: string };

export const signPush = (signing: Signing, secret: string, body: string, now: number): Push => {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (signing.kind === 'hmac') {
    const timestamp = String(Math.floor(now / 1000));
    if (signing.timestampHeader) headers[signing.timestampHeader] = timestamp;
    headers[signing.header] = signing.prefix + createHmac(signing.algorithm, secret).update(signing.timestampHeader ? `${timestamp}.${body}` : body).digest(signing.encoding);
  }
  if (signing.kind === 'standardWebhooks') {
    const id = `msg_${randomUUID()}`;
    Object.assign(headers, { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(now / 1000)), 'webhook-signature': new Webhook(secret).sign(id, new Date(now), body) });
  }
  return { headers, body };
};
