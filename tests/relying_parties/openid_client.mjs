// A relying party on openid-client: prints where to send the browser, reads where it came back.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const [issuer, clientId, secret, redirectUri, scope] = process.argv.slice(2)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => console.log(JSON.stringify(value))
const hear = async () => new URL((await lines.next()).value)

const authentication = {
  poster: () => client.ClientSecretPost(secret),
  public: () => client.None(),
}[clientId] ?? (() => client.ClientSecretBasic(secret))

const config = await client.discovery(new URL(issuer), clientId, {}, authentication(), {
  execute: [client.allowInsecureRequests],
})
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const parameters = {
  redirect_uri: redirectUri,
  scope,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
  max_age: '600',
}
const build =
  clientId === 'pusher' ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl
say((await build(config, parameters)).href)

try {
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: 600 }
  const tokens = await client.authorizationCodeGrant(config, await hear(), checks)
  const claims = tokens.claims()
  const refreshed =
    tokens.refresh_token && (await client.refreshTokenGrant(config, tokens.refresh_token))
  say({
    claims,
    userinfo: await client.fetchUserInfo(config, tokens.access_token, claims.sub),
    refreshed: refreshed?.claims().sub,
    logout: client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: new URL('/goodbye', redirectUri).href,
      state: 'bye',
    }).href,
  })
} catch (error) {
  say({ error: error.error ?? error.code ?? String(error) })
}
process.exit(0)
