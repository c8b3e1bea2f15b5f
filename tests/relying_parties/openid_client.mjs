// A relying party on openid-client: prints where to send the browser, reads where it came back.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const registered = JSON.parse(process.argv[2])
const { client_id, client_secret, redirect_uri, scope } = registered
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => console.log(JSON.stringify(value))
const hear = async () => new URL((await lines.next()).value)

const { private_jwk } = registered
const key = private_jwk && await crypto.subtle.importKey(
  'jwk', private_jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'],
)
const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(client_secret),
  client_secret_post: () => client.ClientSecretPost(client_secret),
  private_key_jwt: () => client.PrivateKeyJwt({ key, kid: private_jwk.kid }),
  none: () => client.None(),
}[registered.token_endpoint_auth_method]

const config = await client.discovery(
  new URL(registered.issuer), client_id, client_secret, authentication?.(),
  { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
)
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const parameters = {
  redirect_uri,
  scope,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
  max_age: '600',
}
const build =
  client_id === 'pusher' ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl
say((await build(config, parameters)).href)

const learn = async (tokens) => {
  const claims = tokens.claims()
  const { access_token } = tokens
  const userinfo = await client.fetchUserInfo(config, access_token, claims.sub)
  return { claims, userinfo, access_token }
}

try {
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: 600 }
  const tokens = await client.authorizationCodeGrant(config, await hear(), checks)
  const known = await learn(tokens)
  if (tokens.refresh_token) {
    const anew = await client.refreshTokenGrant(config, tokens.refresh_token)
    known.refreshed = await learn(anew)
    known.rotated = anew.refresh_token !== tokens.refresh_token
  }
  const logout = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: new URL('/goodbye', redirect_uri).href,
    state: 'bye',
  })
  say({ ...known, logout: logout.href })
} catch (error) {
  const challenged = error.cause?.[0]?.parameters?.error
  say({ error: error.error ?? challenged ?? error.code ?? String(error) })
}
process.exit(0)
