/** Pushes: verified as the settings declare, on the raw bytes and in constant time; then mapped like records, or a hint. */
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Push, PushResult } from '#core/connector.ts';
import { EventgraphError, InputError, PushError, UpstreamError } from '#core/errors.ts';
import { constantTimeEqual, pushToken } from '#core/secrets.ts';
import { mapRecords, readAnswer, recordsIn } from './connector-mapping.ts';
import type { CustomContext, Verification } from './connector-settings.ts';

export const receivePush = async (context: CustomContext, push: Push): Promise<PushResult> => {
  const { webhook } = context.service.settings;
  if (!webhook) throw new PushError('PUSH_SIGNATURE_INVALID', 'The settings of this service declare no webhook.');
  verify(webhook.verify, push, context);
  const readAt = context.now();
  if (webhook.mapping === undefined || webhook.verify.by === 'none') return { kind: 'hint' };
  try {
    const { items } = await readAnswer(context, push.body.toString('utf8'), { items: webhook.items });
    return { kind: 'facts', ...(await mapRecords(context, { name: 'webhook', event: null, schema: webhook.schema ?? null, mapping: webhook.mapping, readAt }, recordsIn(items))) };
  } catch (error) {
    if (error instanceof UpstreamError || (error instanceof EventgraphError && error.code === 'MAPPING_TOO_COSTLY')) throw new PushError('PUSH_MALFORMED', error.message);
    throw error;
  }
};

/** The secret that signs: the service's own, or the hub's where the hub tells it when it subscribes. Throws an InputError where there is none. */
export const webhookSecret = ({ service }: CustomContext): string => {
  const { credentials, settings, pushSecret } = service;
  if (credentials.webhookSecret !== undefined) return credentials.webhookSecret;
  if (settings.webhook?.subscribe) return settings.webhook.verify.by === 'standardWebhooks' ? `whsec_${Buffer.from(pushSecret).toString('base64')}` : pushSecret;
  throw new InputError('CREDENTIALS_INCOMPLETE', 'input.authentication.credentials.webhookSecret', 'Pushes that are signed need the secret that they are signed with, or `webhook.subscribe` to tell the service one.');
};

/** Throws an InputError where pushes are to be signed and nothing can check that. */
export const requireSecret = (context: CustomContext): void => {
  const by = context.service.settings.webhook?.verify.by;
  if (by === 'hmac') webhookSecret(context);
  if (by === 'standardWebhooks') standardWebhook(webhookSecret(context));
};

/** Under one of the secrets that are good: while keys are rotated there are several. */
const verify = (verification: Verification, push: Push, context: CustomContext): void => {
  const refusals = context.service.pushSecrets.flatMap((pushSecret) => {
    try {
      verifyUnder(verification, push, { ...context, service: { ...context.service, pushSecret } });
      return [];
    } catch (error) {
      if (error instanceof PushError) return [error];
      throw error;
    }
  });
  if (refusals[0] && refusals.length === context.service.pushSecrets.length) throw refusals[0];
};

const verifyUnder = (verification: Verification, push: Push, context: CustomContext): void => {
  switch (verification.by) {
    case 'hmac':
      return verifyHmac(verification, push, context);
    case 'standardWebhooks':
      return verifyStandard(push, context);
    case 'token':
      if (!constantTimeEqual(String(push.query.token), pushToken(context.service.pushSecret))) throw new PushError('PUSH_SIGNATURE_INVALID', 'The URL does not carry the token of this service.');
      return;
    case 'none':
      return;
  }
};

const headerOf = ({ headers }: Push, name: string): string => {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : '';
};

const verifyHmac = (declared: Extract<Verification, { by: 'hmac' }>, push: Push, context: CustomContext): void => {
  const { header, algorithm, encoding, prefix, timestampHeader, tolerance } = declared;
  const timestamp = timestampHeader === undefined ? '' : headerOf(push, timestampHeader);
  const expected = createHmac(algorithm, webhookSecret(context));
  for (const part of signedParts(declared)) expected.update(part === '{body}' ? push.body : part === '{timestamp}' ? timestamp : part);
  const digest = expected.digest(encoding);
  const given = headerOf(push, header);
  // Hex is the same in upper case.
  const asGiven = encoding === 'hex' ? prefix + given.slice(prefix.length).toLowerCase() : given;
  if (!given.startsWith(prefix) || !constantTimeEqual(asGiven, prefix + digest)) throw new PushError('PUSH_SIGNATURE_INVALID', `${header} is not the signature of this body under the shared secret.`, { header });
  if (timestampHeader === undefined) return;
  const at = momentOf(timestamp);
  if (at === null || Math.abs(context.now().getTime() - at) > tolerance * 1000) throw new PushError('PUSH_TIMESTAMP_INVALID', `${timestampHeader} is not within ${tolerance} seconds of the hub's clock.`, { header: timestampHeader });
};

const signedParts = ({ signedPayload, timestampHeader }: Extract<Verification, { by: 'hmac' }>): string[] => (signedPayload ?? (timestampHeader === undefined ? '{body}' : '{timestamp}.{body}')).split(/(\{body\}|\{timestamp\})/);

/** Seconds or milliseconds since 1970, or ISO 8601; in milliseconds. */
const momentOf = (text: string): number | null => {
  const number = /^\d{1,13}$/.test(text) ? Number(text) : NaN;
  const at = Number.isNaN(number) ? (/^\d{4}-/.test(text) ? Date.parse(text) : NaN) : number > 99_999_999_999 ? number : number * 1000;
  return Number.isNaN(at) ? null : at;
};

const standardWebhook = (secret: string): Webhook => {
  try {
    return new Webhook(secret);
  } catch {
    throw new InputError('CREDENTIALS_INVALID', 'input.authentication.credentials.webhookSecret', 'A secret of Standard Webhooks is Base64, behind `whsec_` mostly.');
  }
};

/** As standardwebhooks.com has it: id, time and body are signed, and the time is within five minutes of the machine's clock. */
const verifyStandard = (push: Push, context: CustomContext): void => {
  try {
    standardWebhook(webhookSecret(context)).verify(push.body, Object.fromEntries(['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, headerOf(push, name)])), { jsonParse: false });
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { message } = error as Error;
    if (/timestamp/i.test(message)) throw new PushError('PUSH_TIMESTAMP_INVALID', "webhook-timestamp is not within five minutes of the hub's clock.", { header: 'webhook-timestamp' });
    throw new PushError('PUSH_SIGNATURE_INVALID', 'webhook-signature is not the signature of this push under the shared secret.', { header: 'webhook-signature' });
  }
};
