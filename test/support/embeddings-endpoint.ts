import { json, type Reply } from './scripted-server.ts';

/** A vector for a text, so that equal texts have equal ones. */
export function vectorFor(text: string, dimension = 8): number[] {
  return Array.from(
    { length: dimension },
    (_, at) => Math.sin(text.length * (at + 1)) + (text.charCodeAt(at) || 0) / 100,
  );
}

/** Answers as an OpenAI-compatible endpoint does. */
export function embeddings(
  options: { dimension?: number; base64?: boolean; shuffled?: boolean } = {},
): Reply {
  return altered((data) => (options.shuffled ? data.toReversed() : data), options);
}

/** The same with something wrong about the data. */
export function altered(
  alter: (data: { index: number; embedding: unknown }[]) => unknown,
  { dimension = 8, base64 = false }: { dimension?: number; base64?: boolean } = {},
): Reply {
  return (response, heard) => {
    const { input, model } = JSON.parse(heard.body) as { input: string[]; model: string };
    const data = input.map((text, index) => {
      const vector = vectorFor(text, dimension);
      return { object: 'embedding', index, embedding: base64 ? toBase64(vector) : vector };
    });
    const answer = { object: 'list', model, data: alter(data), usage: { prompt_tokens: 1, total_tokens: 1 } };
    json(200, answer)(response, heard);
  };
}

function toBase64(vector: number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}
