// The code flow of npm's openid-client, in two halves: the person and the browser are elsewhere.
// node openid_client.mjs ISSUER CLIENT_ID SECRET CALLBACK: prints a URL, reads the callback, prints
// what it learnt as JSON.
import readline from 'node:readline/promises'

import * as client from 'openid-client'

const [issuer, clientId, secret, callback] = process.argv.slice(2)
const config = await client.discovery(
  new URL(issuer), clientId, secret, client.ClientSecretBasic(secret),
  { execute: [client.allowInsecureRequests] },
)
const verifier = client.randomPKCECodeVerifier()
const [state, nonce] = [client.randomState(), client.randomNonce()]
const parameters = {
  redirect_uri: callback, scope: 'openid email', state, nonce,
  code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
}
const url = process.env.PUSHED
  ? await client.buildAuthorizationUrlWithPAR(config, parameters)
  : client.buildAuthorizationUrl(config, parameters)
console.log(url.href)
const lines = readline.createInterface({ input: process.stdin })
const answered = await new Promise((resolve) => lines.once('line', resolve))
lines.close()
const tokens = await client.authorizationCodeGrant(config, new URL(answered), {
  pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
})
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
const logout = client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token, post_logout_redirect_uri: callback,
})
console.log(JSON.stringify({ claims, userinfo, refreshed: refreshed.claims(), logout: logout.href }))
