// A relying party on oauth4webapi, which checks each answer by itself: prints, reads, prints.
import { createInterface } from 'node:readline'
import * as oauth from 'oauth4webapi'

const [issuer, clientId, secret, redirectUri, scope] = process.argv.slice(2)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => console.log(JSON.stringify(value))
const hear = async () => new URL((await lines.next()).value)

const url = new URL(issuer)
const plain = { [oauth.allowInsecureRequests]: true }
const client = { client_id: clientId }
const authentication = {
  poster: () => oauth.ClientSecretPost(secret),
  public: () => oauth.None(),
}[clientId]?.() ?? oauth.ClientSecretBasic(secret)

const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, plain))
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
let parameters = new URLSearchParams({
  client_id: clientId,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})
if (clientId === 'pusher') {
  const pushed = await oauth.pushedAuthorizationRequest(
    server, client, authentication, parameters, plain,
  )
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, pushed)
  parameters = new URLSearchParams({ client_id: clientId, request_uri })
}
say(`${server.authorization_endpoint}?${parameters}`)

try {
  const validated = oauth.validateAuthResponse(server, client, await hear(), state)
  const redeemed = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, validated, redirectUri, verifier, plain,
  )
  const checks = { expectedNonce: nonce, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, redeemed, checks)
  await oauth.validateApplicationLevelSignature(server, redeemed, plain)
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  const asked = await oauth.userInfoRequest(server, client, tokens.access_token, plain)
  let refreshed
  if (tokens.refresh_token) {
    const answer = await oauth.refreshTokenGrantRequest(
      server, client, authentication, tokens.refresh_token, plain,
    )
    const anew = await oauth.processRefreshTokenResponse(server, client, answer)
    refreshed = oauth.getValidatedIdTokenClaims(anew).sub
  }
  const logout = new URLSearchParams({
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: new URL('/goodbye', redirectUri).href,
    state: 'bye',
  })
  say({
    claims,
    userinfo: await oauth.processUserInfoResponse(server, client, claims.sub, asked),
    refreshed,
    logout: `${server.end_session_endpoint}?${logout}`,
  })
} catch (error) {
  say({ error: error.error ?? error.code ?? String(error) })
}
process.exit(0)
