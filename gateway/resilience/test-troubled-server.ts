/** Servers for tests that answer what no server should, byte by byte, and count what is open. */
import { type AddressInfo, type Socket, createServer } from 'node:net';

export type TroubledServer = {
  readonly url: string;
  /** Requests with their heads, in the order they came. */
  readonly asked: string[];
  /** Connections that are open now, and of those the ones that ever carried a request. */
  connections(): { readonly open: number; readonly used: number };
  close(): Promise<void>;
};

/** Called with each request once its body is there; `count` is 1 for the first. */
export type Respond = (socket: Socket, count: number) => void;

export const serveBytes = async (respond: Respond): Promise<TroubledServer> => {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const used = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      used.delete(socket);
    });
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const request = /^[^]*?\r\n\r\n/.exec(text)?.[0];
      const length = Number(/content-length: (\d+)/i.exec(request ?? '')?.[1] ?? NaN);
      if (!request || text.length < request.length + length) return;
      asked.push(text.slice(0, request.length + length));
      used.add(socket);
      text = text.slice(request.length + length);
      respond(socket, asked.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    asked,
    connections: () => ({ open: sockets.size, used: used.size }),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

/** A response as bytes; `length` says another one than the body's. */
export const response = (body: string, { status = '200 OK', length = Buffer.byteLength(body), headers = '' }: { status?: string; length?: number; headers?: string } = {}): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${headers}\r\n${body}`;
