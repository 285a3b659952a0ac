import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface Heard {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** What the server does with a request; the last one of a script is for all that follow. */
export type Reply = (response: ServerResponse, heard: Heard) => void;

export interface ScriptedServer {
  url: string;
  heard: Heard[];
  stop(): Promise<void>;
}

/** An HTTP server that answers the first request by the first reply, the second by the second, and so on. */
export async function startScriptedServer(...script: [Reply, ...Reply[]]): Promise<ScriptedServer> {
  const heard: Heard[] = [];
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body };
    heard.push(one);
    const reply = script[Math.min(heard.length, script.length) - 1] as Reply;
    reply(response, one);
  }
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Answers with JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Answers with a problem. */
export function problem(
  status: number,
  type: string,
  more: object = {},
  headers: Record<string, string> = {},
): Reply {
  return json(
    status,
    { type: `/problems/${type}`, title: type, status, detail: `It is ${type}.`, ...more },
    headers,
  );
}

/** Breaks the connection without an answer. */
export const hangUp: Reply = (response) => {
  response.destroy();
};

/** Says nothing. */
export const silence: Reply = () => {};
