import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError, isLoopback, readConfig } from '../../src/main/config.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config = readConfig({});
    assert.deepEqual([config.database.url, config.database.dataDir], [undefined, '.heddle']);
    assert.deepEqual([config.http.host, config.http.port, config.http.tokens], ['127.0.0.1', 8000, []]);
    const { mode, port, threadMaxHeapMb, stopGraceSeconds, leaseSeconds, killGraceMs } = config.runner;
    assert.deepEqual(
      [mode, port, threadMaxHeapMb, stopGraceSeconds, leaseSeconds, killGraceMs],
      ['singleton', 8001, 512, 25, 8, 500],
    );
    assert.ok(config.runner.threads >= 2);
    assert.deepEqual(config.retention, { completedDays: 7, failedDays: 30, ticks: 1000 });
    assert.equal(config.logLevel, 'info');
  });

  it('takes the database from an address, from PG_DSN, or from its parts', () => {
    const url = 'postgresql://u:p@db:5433/name';
    assert.equal(readConfig({ DATABASE_URL: url }).database.url, url);
    assert.equal(readConfig({ PG_DSN: url }).database.url, url);
    assert.equal(readConfig({ DATABASE_URL: url }).database.listenUrl, url);
    const parts = {
      POSTGRES_HOST: 'db',
      POSTGRES_DB: 'a b',
      POSTGRES_USER: 'me',
      POSTGRES_PASSWORD: 'p@ss/word',
    };
    assert.equal(readConfig(parts).database.url, 'postgresql://me:p%40ss%2Fword@db:5432/a%20b');
  });

  it('tells every fault at once, by name', () => {
    const faults = faultsOf({
      PORT: '99999',
      THREADS: 'many',
      RUNNER_MODE: 'both',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://db',
      RATE_LIMIT: 'often',
      TASKS_DIR: '/there/is/none',
    });
    assert.deepEqual(faults.map((fault) => fault.split(':')[0]).sort(), [
      'DATABASE_URL',
      'LOG_LEVEL',
      'PORT',
      'RATE_LIMIT',
      'RUNNER_MODE',
      'TASKS_DIR',
      'THREADS',
    ]);
  });

  it('knows who makes embeddings, and how large chunks are', () => {
    const { embeddings, chunkCharacters, chunkOverlap } = readConfig({}).documents;
    assert.deepEqual([embeddings, chunkCharacters, chunkOverlap], [null, 1200, 150]);
    assert.equal(readConfig({ CHUNK_CHARACTERS: '400' }).documents.chunkOverlap, 50);
    assert.deepEqual(readConfig({ EMBEDDINGS_URL: ' local ' }).documents.embeddings, { kind: 'local' });
    const endpoint = {
      EMBEDDINGS_URL: 'https://host/v1/embeddings',
      EMBEDDINGS_MODEL: 'm',
      EMBEDDINGS_API_KEY: 'k',
    };
    assert.deepEqual(readConfig(endpoint).documents.embeddings, {
      kind: 'endpoint',
      url: 'https://host/v1/embeddings',
      model: 'm',
      apiKey: 'k',
    });
  });

  it('refuses embeddings that nobody could make, and chunks that would never end', () => {
    const faults: [Record<string, string>, RegExp][] = [
      [{ EMBEDDINGS_URL: 'https://host/v1' }, /^EMBEDDINGS_MODEL: is missing/],
      [{ EMBEDDINGS_URL: 'ftp://host', EMBEDDINGS_MODEL: 'm' }, /^EMBEDDINGS_URL: must be the whole http/],
      [
        { EMBEDDINGS_URL: 'https://u:geheim@host', EMBEDDINGS_MODEL: 'm' },
        /^EMBEDDINGS_URL: .* without a password/,
      ],
      [
        { EMBEDDINGS_URL: 'local', EMBEDDINGS_MODEL: 'm' },
        /^EMBEDDINGS_MODEL: .* only the model local-hash-384/,
      ],
      [{ EMBEDDINGS_API_KEY_FILE: '/there/is/none' }, /^EMBEDDINGS_API_KEY_FILE: ENOENT/],
      [{ CHUNK_CHARACTERS: '1' }, /^CHUNK_CHARACTERS: must be at least 2/],
      [{ CHUNK_CHARACTERS: '60000' }, /^CHUNK_CHARACTERS: must be at most 50000/],
      [
        { CHUNK_CHARACTERS: '300', CHUNK_OVERLAP: '150' },
        /^CHUNK_OVERLAP: must be less than half of CHUNK_CHARACTERS/,
      ],
    ];
    for (const [env, fault] of faults) {
      const told = faultsOf(env);
      assert.equal(told.length, 1, told.join());
      assert.match(told[0] as string, fault);
      assert.doesNotMatch(told.join(), /geheim/);
    }
  });

  it('never tells a secret', () => {
    const secrets = { API_TOKENS: 'ops:emperor:geheim', DATABASE_URL: 'geheim', PORT: 'x' };
    assert.doesNotMatch(faultsOf(secrets).join('\n'), /geheim/);
  });

  it('takes a blank as unset, and a log level in any case', () => {
    const config = readConfig({ PORT: '', DATABASE_URL: ' ', LOG_LEVEL: 'DEBUG' });
    assert.deepEqual([config.http.port, config.database.url, config.logLevel], [8000, undefined, 'debug']);
  });

  it('reads secrets from files, and names the file that is not there', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'tokens');
    await writeFile(file, 'ops:operator:secret\n');
    const { http } = readConfig({ API_TOKENS_FILE: file });
    assert.deepEqual(http.tokens, [{ name: 'ops', role: 'operator', token: 'secret' }]);
    assert.match(
      faultsOf({ DATABASE_URL_FILE: join(directory, 'none') })[0] ?? '',
      /^DATABASE_URL_FILE: ENOENT/,
    );
    await rm(directory, { recursive: true });
  });

  it('takes a password alone from a file', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'password');
    await writeFile(file, 'p@ss/word\n');
    const { database } = readConfig({ POSTGRES_HOST: 'db', POSTGRES_PASSWORD_FILE: file });
    assert.equal(database.url, 'postgresql://heddle:p%40ss%2Fword@db:5432/heddle');
    await rm(directory, { recursive: true });
  });

  it('refuses to serve strangers without tokens, unless it is told to', () => {
    assert.match(
      faultsOf({ HOST: '0.0.0.0' })[0] ?? '',
      /^HOST: refusing to listen on 0\.0\.0\.0 without API_TOKENS/,
    );
    for (const host of ['::', '10.0.0.1', 'heddle.example', '::ffff:127.0.0.1', '127.0.0.999', '0']) {
      assert.match(faultsOf({ HOST: host })[0] ?? '', /^HOST: refusing to listen on .* without API_TOKENS/);
    }
    assert.equal(readConfig({ HOST: '0.0.0.0', API_AUTH: 'none' }).http.host, '0.0.0.0');
    assert.equal(readConfig({ HOST: '0.0.0.0', API_TOKENS: 'a:admin:b' }).http.tokens.length, 1);
  });

  it('minds no host where nobody listens', () => {
    assert.equal(readConfig({ HOST: '0.0.0.0' }, { listens: false }).http.protection, 'loopback');
  });

  it('knows what keeps strangers out', () => {
    assert.equal(readConfig({}).http.protection, 'loopback');
    assert.equal(readConfig({ API_AUTH: 'none' }).http.protection, 'none');
    assert.equal(readConfig({ API_TOKENS: 'a:admin:b' }).http.protection, 'tokens');
    assert.equal(readConfig({ API_TOKENS: 'a:admin:b', API_AUTH: 'none' }).http.protection, 'tokens');
  });

  it('refuses tokens that are not right, by their place and never by their value', () => {
    const right = 'name:role:token with the role viewer, operator or admin';
    const cases: [value: string, ...faults: string[]][] = [
      ['geheim', `entry 1 must be ${right}`],
      ['a:admin:', `entry 1 must be ${right}`],
      [':admin:geheim', `entry 1 must be ${right}`],
      ['a:emperor:geheim,', `entry 1 must be ${right}`, `entry 2 must be ${right}`],
      ['a:admin:geheim,a:viewer:geheim2', 'entry 2 has the name of an earlier one'],
      ['a:admin:geheim, b:viewer:geheim', 'entry 2 has the token of an earlier one'],
      ['a:admin:ge heim', 'entry 1 has a token with characters that no header can hold'],
      ['a:admin:gehéim', 'entry 1 has a token with characters that no header can hold'],
    ];
    for (const [value, ...faults] of cases) {
      const found = faultsOf({ API_TOKENS: value });
      assert.deepEqual(
        found,
        faults.map((fault) => `API_TOKENS: ${fault}`),
        value,
      );
      assert.doesNotMatch(found.join(), /geh/);
    }
    const { tokens } = readConfig({ API_TOKENS: 'a:admin:with:colons' }).http;
    assert.deepEqual(tokens, [{ name: 'a', role: 'admin', token: 'with:colons' }]);
  });

  it('takes origins for CORS, and nothing that no browser would send', () => {
    const origins = 'https://example.org, http://localhost:3000,*';
    assert.deepEqual(readConfig({ CORS_ORIGINS: origins }).http.corsOrigins, origins.split(/, */));
    for (const wrong of [
      'example.org',
      'https://example.org/',
      'https://example.org/app',
      'https://Example.org',
      'https://example.org:443',
      'https://me@example.org',
      'https://*.example.org',
      'ftp://example.org',
      'null',
      'https://example.org,',
    ]) {
      const faults = faultsOf({ CORS_ORIGINS: wrong });
      assert.match(faults[0] ?? '', /^CORS_ORIGINS: '.*' is not an origin, such as https:/, wrong);
    }
  });

  it('has bounds for what comes from outside', () => {
    const { trustedProxies, maxConnections, maxStreams, rateLimit } = readConfig({}).http;
    assert.deepEqual([trustedProxies, maxConnections, maxStreams, rateLimit], [0, 2048, 256, undefined]);
    assert.deepEqual(readConfig({ RATE_LIMIT: '100/60' }).http.rateLimit, { count: 100, seconds: 60 });
    const faults = faultsOf({
      TRUSTED_PROXIES: 'yes',
      MAX_CONNECTIONS: '0',
      MAX_STREAMS: '-1',
      RATE_LIMIT: '1/999999',
    });
    assert.deepEqual(faults.map((fault) => fault.split(':')[0]).sort(), [
      'MAX_CONNECTIONS',
      'MAX_STREAMS',
      'RATE_LIMIT',
      'TRUSTED_PROXIES',
    ]);
  });
});

describe('a loopback address', () => {
  for (const host of ['localhost', '::1', '127.0.0.1', '127.8.8.8']) {
    it(`is ${host}`, () => assert.ok(isLoopback(host)));
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', '']) {
    it(`is not '${host}'`, () => assert.ok(!isLoopback(host)));
  }
});

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults;
  }
  return [];
}
