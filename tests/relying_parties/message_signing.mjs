// A relying party that signs what it asks for and believes only signed answers: JAR and JARM, as
// FAPI 2.0 Message Signing has them. On oauth4webapi or openid-client; prints, reads, prints.
import { createInterface } from 'node:readline'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

const [, , library, given] = process.argv
const registered = JSON.parse(given)
const { client_id, client_secret, redirect_uri, scope, jwk, pushes, response_alg } = registered
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => console.log(JSON.stringify(value))
const hear = async () => new URL((await lines.next()).value)

const kinds = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
}
const { kid, alg, use, ...numbers } = jwk
const key = await crypto.subtle.importKey('jwk', numbers, kinds[alg], false, ['sign'])

async function withOauth4webapi() {
  const url = new URL(registered.issuer)
  const plain = { [oauth.allowInsecureRequests]: true }
  const client = { client_id, authorization_signed_response_alg: response_alg }
  const authentication = oauth.ClientSecretBasic(client_secret)
  const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, plain))
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const asked = new URLSearchParams({
    client_id,
    redirect_uri,
    response_type: 'code',
    response_mode: 'jwt',
    scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    max_age: '600',
    resource: registered.resource,
  })
  const request = await oauth.issueRequestObject(server, client, asked, { key, kid })
  let sent = new URLSearchParams({ client_id, request })
  if (pushes) {
    const pushed = await oauth.pushedAuthorizationRequest(
      server, client, authentication, sent, plain,
    )
    const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, pushed)
    sent = new URLSearchParams({ client_id, request_uri })
  }
  say(`${server.authorization_endpoint}?${sent}`)
  const validated = await oauth.validateJwtAuthResponse(server, client, await hear(), state, plain)
  const redeemed = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, validated, redirect_uri, verifier, plain,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, redeemed)
  say({ state: validated.get('state') === state, access_token: tokens.access_token })
}

async function withOpenidClient() {
  const config = await openid.discovery(
    new URL(registered.issuer), client_id,
    { client_secret, authorization_signed_response_alg: response_alg },
    openid.ClientSecretBasic(client_secret),
    { execute: [openid.allowInsecureRequests, openid.useJwtResponseMode] },
  )
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const parameters = {
    redirect_uri,
    scope,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    max_age: '600',
    resource: registered.resource,
  }
  let to = await openid.buildAuthorizationUrlWithJAR(config, parameters, { key, kid })
  if (pushes) to = await openid.buildAuthorizationUrlWithPAR(config, to.searchParams)
  say(to.href)
  const checks = { pkceCodeVerifier, expectedState }
  const tokens = await openid.authorizationCodeGrant(config, await hear(), checks)
  say({ state: true, access_token: tokens.access_token })
}

try {
  await { oauth4webapi: withOauth4webapi, 'openid-client': withOpenidClient }[library]()
} catch (error) {
  say({ error: error.error ?? error.cause?.error ?? error.code ?? String(error) })
}
process.exit(0)
