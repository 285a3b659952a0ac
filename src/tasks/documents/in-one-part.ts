/** The whole file in memory, for readers that need it so. @param bytes its size */
export async function inOnePart(bytes: number, pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const file = Buffer.alloc(bytes);
  let at = 0;
  for await (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
}
