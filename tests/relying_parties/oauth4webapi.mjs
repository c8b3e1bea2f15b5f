// A relying party on oauth4webapi, which checks each answer by itself: prints, reads, prints.
import { createInterface } from 'node:readline'
import * as oauth from 'oauth4webapi'

const registered = JSON.parse(process.argv[2])
const { client_id, client_secret, redirect_uri, scope } = registered
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => console.log(JSON.stringify(value))
const hear = async () => new URL((await lines.next()).value)

const url = new URL(registered.issuer)
const plain = { [oauth.allowInsecureRequests]: true }
const client = { client_id }
const { private_jwk } = registered
const key = private_jwk && await crypto.subtle.importKey(
  'jwk', private_jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'],
)
const authentication = {
  client_secret_basic: () => oauth.ClientSecretBasic(client_secret),
  client_secret_post: () => oauth.ClientSecretPost(client_secret),
  private_key_jwt: () => oauth.PrivateKeyJwt({ key, kid: private_jwk.kid }),
  none: () => oauth.None(),
}[registered.token_endpoint_auth_method]()

const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, plain))
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
let parameters = new URLSearchParams({
  client_id,
  redirect_uri,
  response_type: 'code',
  scope,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})
if (client_id === 'pusher') {
  const pushed = await oauth.pushedAuthorizationRequest(
    server, client, authentication, parameters, plain,
  )
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, pushed)
  parameters = new URLSearchParams({ client_id, request_uri })
}
say(`${server.authorization_endpoint}?${parameters}`)

const learn = async (answer, tokens) => {
  await oauth.validateApplicationLevelSignature(server, answer, plain)
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  const { access_token } = tokens
  const asked = await oauth.userInfoRequest(server, client, access_token, plain)
  const userinfo = await oauth.processUserInfoResponse(server, client, claims.sub, asked)
  return { claims, userinfo, access_token }
}

try {
  const validated = oauth.validateAuthResponse(server, client, await hear(), state)
  const redeemed = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, validated, redirect_uri, verifier, plain,
  )
  const checks = { expectedNonce: nonce, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, redeemed, checks)
  const known = await learn(redeemed, tokens)
  if (tokens.refresh_token) {
    const refreshed = await oauth.refreshTokenGrantRequest(
      server, client, authentication, tokens.refresh_token, plain,
    )
    const anew = await oauth.processRefreshTokenResponse(server, client, refreshed)
    known.refreshed = await learn(refreshed, anew)
    known.rotated = anew.refresh_token !== tokens.refresh_token
  }
  const logout = new URLSearchParams({
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: new URL('/goodbye', redirect_uri).href,
    state: 'bye',
  })
  say({ ...known, logout: `${server.end_session_endpoint}?${logout}` })
} catch (error) {
  const challenged = error.cause?.[0]?.parameters?.error
  say({ error: error.error ?? challenged ?? error.code ?? String(error) })
}
process.exit(0)
