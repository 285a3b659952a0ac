import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

/** An answer as it came over a socket. */
export interface RawAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** A connection over which a test writes what no HTTP client would. */
export interface RawConnection {
  socket: Socket;
  write(text: string | Uint8Array): void;
  /** All answers, once the other side has closed the connection. Waits for that. */
  answers(timeoutMs?: number): Promise<RawAnswer[]>;
  /** What has come so far. */
  received(): string;
}

/** @param url where a server listens */
export async function rawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // A connection that is reset has still brought what had come before.
  socket.on('error', () => {});
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  return {
    socket,
    write: (text) => void socket.write(text),
    received: () => received,
    async answers(timeoutMs = 10_000) {
      const patience = new AbortController();
      const tooLate = after(timeoutMs, 'late', { signal: patience.signal });
      if ((await Promise.race([closed, tooLate])) === 'late') {
        socket.destroy();
        throw new Error(`the connection was not closed within ${timeoutMs} ms; it had brought:\n${received}`);
      }
      patience.abort();
      tooLate.catch(() => {});
      return parseAnswers(received);
    },
  };
}

/** Sends a text over a new connection. @returns the answers, once the other side has closed it */
export async function exchange(url: string, text: string | Uint8Array): Promise<RawAnswer[]> {
  const connection = await rawConnection(url);
  connection.write(text);
  return connection.answers();
}

/**
 * Reads one answer after the other. Those to HEAD, which announce a body and have none, must be the last, and so must
 * those in chunks, which are left as they came.
 */
export function parseAnswers(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`half an answer: ${rest}`);
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]));
    const inChunks = headers.has('transfer-encoding');
    const length = inChunks ? rest.length : Number(headers.get('content-length') ?? 0);
    const body = Buffer.from(rest.slice(end + 4, end + 4 + length), 'latin1').toString();
    answers.push({ status: Number(first.split(' ')[1]), headers, body });
    rest = rest.slice(end + 4 + length);
  }
  return answers;
}
