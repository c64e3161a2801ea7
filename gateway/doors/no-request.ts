/**
 * What is refused before there is a request that a route could answer: bytes that are not HTTP, heads that are too large,
 * requests that never end, handshakes of protocols that are not spoken here. With a code, like everything else.
 */
import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse, maxHeaderSize } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const jsonType = 'application/json; charset=utf-8';
type Facts = Readonly<Record<string, unknown>>;

/** The whole response; nothing else comes over its connection. */
export const closingResponse = (status: number, code: string, message: string, facts: Facts = {}): string => {
  const body = bodyOf(code, message, facts);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: ${jsonType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};

const bodyOf = (code: string, message: string, facts: Facts): string => JSON.stringify({ errors: [{ message, extensions: { code, ...facts } }] });

/** Destroyed, and not only ended: a client that keeps its side open would keep the server from closing. */
export const endWith = (socket: Duplex, response: string): void => {
  socket.on('error', () => socket.destroy());
  socket.end(response, () => socket.destroy());
};

/** Node's word for what is wrong with the bytes of a client, as a response. */
const refusalOf = (code: string | undefined): string => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return closingResponse(408, 'REQUEST_TIMEOUT', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return closingResponse(431, 'HEADERS_TOO_LARGE', `Path and headers may have ${maxHeaderSize} bytes.`, { limit: 'path and headers in bytes', maximum: maxHeaderSize });
  return closingResponse(400, 'BAD_REQUEST', 'This is no HTTP request.');
};

/** For the server's `clientError` event. */
export const answerClientError = (error: NodeJS.ErrnoException, socket: Socket & { readonly _httpMessage?: ServerResponse | null }): void => {
  // In the middle of a response, another one would be taken for a part of it. Node itself looks for it there.
  const isAnswering = socket._httpMessage?.headersSent ?? false;
  if (!socket.writable || isAnswering || error.code === 'ECONNRESET') return void socket.destroy();
  endWith(socket, refusalOf(error.code));
};

/** Node itself would refuse it without a word: a request of HTTP/1.1 that does not say which host it is for (RFC 9112, 3.2). */
export const hostProblem = ({ headers: { host }, httpVersion }: IncomingMessage): Error | undefined =>
  host === undefined && httpVersion === '1.1' ? Object.assign(new Error('The header `Host` is missing.'), { statusCode: 400 }) : undefined;

/** Whoever offers another protocol (`h2c`, as some clients do with every request) means the request all the same. */
export const isHandshake = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

/** `Expect` with anything but `100-continue`. */
export const refuseExpectations = (server: Server): void => {
  const body = bodyOf('EXPECTATION_FAILED', '`Expect` can be `100-continue` only.', { field: 'Expect' });
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, { connection: 'close', 'content-type': jsonType, 'content-length': Buffer.byteLength(body) }).end(body);
  });
};
