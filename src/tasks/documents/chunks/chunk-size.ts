import type { ChunkSize } from './chunk-text.ts';

const characters = Number(process.env.CHUNK_CHARACTERS?.trim() || 1200);

/** As the configuration has it, which has checked both variables before any task is loaded. */
export const CHUNK_SIZE: ChunkSize = {
  characters,
  overlap: Number(process.env.CHUNK_OVERLAP?.trim() || Math.min(150, Math.floor(characters / 8))),
};
