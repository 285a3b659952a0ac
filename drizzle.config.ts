import { defineConfig } from 'drizzle-kit';

// No credentials, on purpose: drizzle-kit only writes diffs here. The SQL that is applied lives in migrations/,
// in both directions, and `heddle migrate` is the only thing that applies it.
export default defineConfig({ dialect: 'postgresql', schema: './drizzle/schema/*.ts', out: './drizzle' });
