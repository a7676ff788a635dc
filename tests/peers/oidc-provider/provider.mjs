// An OpenID Provider nobody of this project wrote (panva's oidc-provider), for tests: on a loopback address, with one client that
// introspects and logs browsers in, and one that gets tokens for itself. Prints its address; reads `rotate` and `redirect ADDRESS`.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const audience = 'https://site.example.org';
const claims = JSON.parse(process.env.CLAIMS ?? '{}');
let redirect = 'https://localhost/callback';

function newKey(kid) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}

function made(issuer, keys) {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [
      { client_id: 'site', client_secret: 'site-secret', grant_types: ['authorization_code'], redirect_uris: [redirect],
        id_token_signed_response_alg: 'ES256' },
      { client_id: 'robot', client_secret: 'robot-secret', grant_types: ['client_credentials'], redirect_uris: [],
        response_types: [], id_token_signed_response_alg: 'ES256' },
    ],
    scopes: ['openid', 'opaque', 'elsewhere', 'groups'],
    claims: { openid: ['sub'], groups: ['eduperson_entitlement'] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    extraTokenClaims: () => claims,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims }) }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'openid opaque elsewhere groups',
          audience: resource === audience ? audience : resource,
          accessTokenTTL: 600,
          accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  provider.on('server_error', (_context, error) => console.error(error));
  return provider;
}

const server = createServer((request, response) => handle(request, response));
let handle;
let keys = [newKey('one')];
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = made(issuer, keys).callback();
  console.log(issuer);
  let count = 1;
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line === 'rotate') {
      count += 1;
      keys = [newKey(`key-${count}`)];
    } else if (line.startsWith('redirect ')) {
      redirect = line.slice('redirect '.length);
    }
    handle = made(issuer, keys).callback();
    console.log('done');
  }).on('close', () => process.exit(0));
});
