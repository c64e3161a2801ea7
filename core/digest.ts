/** SHA-256 of what is compared, or named after what it holds. What is secret takes a key: `secrets.ts`. */
import { hash } from 'node:crypto';

/** Text is taken as UTF-8. */
export const sha256 = (content: string | Uint8Array, encoding: 'base64' | 'base64url' | 'hex' = 'base64url'): string => hash('sha256', content, encoding);

/** In lower-case hexadecimal, as documents are named by it. */
export const sha256Hex = (content: string | Uint8Array): string => sha256(content, 'hex');
