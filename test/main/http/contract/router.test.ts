import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import { StaticFirstRouter } from '../../../../src/main/http/contract/router.ts';

const app = new Hono({ router: new StaticFirstRouter() });
app.get('/things/:id', (c) => c.text(`thing ${c.req.param('id')}`));
app.get('/things/search', (c) => c.text('search'));
app.post('/things/run', (c) => c.text('run'));
app.get('/things/:id/parts/:part', (c) => c.text(`${c.req.param('id')} ${c.req.param('part')}`));

async function at(path: string, method = 'GET'): Promise<string> {
  const response = await app.request(path, { method });
  return response.status === 200 ? response.text() : String(response.status);
}

describe('a path', () => {
  it('that is a route as a whole wins over one with parameters, whichever was added first', async () => {
    assert.deepEqual([await at('/things/search'), await at('/things/search?q=1')], ['search', 'search']);
  });

  it('with parameters gives them to its route, decoded', async () => {
    assert.deepEqual([await at('/things/a%20b'), await at('/things/1/parts/2')], ['thing a b', '1 2']);
  });

  it('belongs to its methods, and is no parameter for others', async () => {
    assert.deepEqual([await at('/things/run', 'POST'), await at('/things/run')], ['run', '404']);
    assert.equal(await at('/things/search', 'POST'), '404');
  });

  it('that no route has is not found, even if it is a name that every object has', async () => {
    for (const path of ['/', '/things', '/things/', '/constructor', '/__proto__']) {
      assert.equal(await at(path), '404', path);
    }
  });
});
