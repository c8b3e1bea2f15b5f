// oauth4webapi or openid-client, as a client that proves its key in each request: prints, reads, prints.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'
import * as oauth from 'oauth4webapi'

const [library, registered] = [process.argv[2], JSON.parse(process.argv[3])]
const { client_id, client_secret, redirect_uri, scope, alg, pushes } = registered
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => console.log(JSON.stringify(value))
const hear = async () => new URL((await lines.next()).value)
const url = new URL(registered.issuer)
const [state, nonce, verifier] = [1, 2, 3].map(() => oauth.generateRandomState())
const parameters = {
  redirect_uri, scope, state, nonce, client_id, response_type: 'code',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
}

// What was asked of the issuer, and how often it wanted a nonce first.
const asked = []
const fetching = async (...request) => {
  const answer = await fetch(...request)
  const body = answer.status >= 400 ? await answer.clone().json() : {}
  asked.push([new URL(request[0]).pathname.split('/').pop(), answer.status, body.error ?? null])
  return answer
}

const byOauth4webapi = async () => {
  const plain = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetching }
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, plain))
  const self = { client_id }
  const authentication = client_secret ? oauth.ClientSecretBasic(client_secret) : oauth.None()
  const prover = async () => oauth.DPoP(self, await oauth.generateKeyPair(alg))
  const twice = async (send, read) => {
    try {
      return await read(await send())
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error
      return read(await send())
    }
  }
  return {
    as, prover, authorize: as.authorization_endpoint,
    push: (DPoP) => twice(
      () => oauth.pushedAuthorizationRequest(as, self, authentication, parameters, { ...plain, DPoP }),
      (answer) => oauth.processPushedAuthorizationResponse(as, self, answer),
    ).then(({ request_uri }) => `${as.authorization_endpoint}?${new URLSearchParams({ client_id, request_uri })}`),
    redeem: (DPoP, arrived) => {
      const told = oauth.validateAuthResponse(as, self, arrived, state)
      return twice(
        () => oauth.authorizationCodeGrantRequest(
          as, self, authentication, told, redirect_uri, verifier, { ...plain, DPoP },
        ),
        (answer) => oauth.processAuthorizationCodeResponse(as, self, answer, { expectedNonce: nonce }),
      )
    },
    refresh: (DPoP, token) => twice(
      () => oauth.refreshTokenGrantRequest(as, self, authentication, token, { ...plain, DPoP }),
      (answer) => oauth.processRefreshTokenResponse(as, self, answer),
    ),
    userinfo: (DPoP, token) => twice(
      () => oauth.userInfoRequest(as, self, token, { ...plain, DPoP }),
      (answer) => oauth.processUserInfoResponse(as, self, 'alice', answer),
    ),
  }
}

const byOpenidClient = async () => {
  const config = await client.discovery(
    url, client_id, client_secret, client_secret ? client.ClientSecretBasic(client_secret) : client.None(),
    { execute: [client.allowInsecureRequests], [client.customFetch]: fetching },
  )
  config[client.customFetch] = fetching
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
  return {
    as: config.serverMetadata(), authorize: config.serverMetadata().authorization_endpoint,
    prover: async () => client.getDPoPHandle(config, await client.randomDPoPKeyPair(alg)),
    push: async (DPoP) => (await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })).href,
    redeem: (DPoP, arrived) => client.authorizationCodeGrant(config, arrived, checks, {}, { DPoP }),
    refresh: (DPoP, token) => client.refreshTokenGrant(config, token, {}, { DPoP }),
    userinfo: (DPoP, token) => client.fetchUserInfo(config, token, 'alice', { DPoP }),
  }
}

const by = await { 'openid-client': byOpenidClient, oauth4webapi: byOauth4webapi }[library]()
const [mine, anothers] = [await by.prover(), await by.prover()]
const refused = (call) => call.then(
  () => null, (error) => error.error ?? error.cause?.at?.(0)?.parameters?.error ?? String(error),
)
const jkt = await mine.calculateThumbprint()
const link = `${by.authorize}?${new URLSearchParams({ ...parameters, dpop_jkt: jkt })}`
say(pushes ? await by.push(mine) : link)
const arrived = await hear()
try {
  const stolen = await refused(by.redeem(anothers, arrived))
  const tokens = await by.redeem(mine, arrived)
  const userinfo = await by.userinfo(mine, tokens.access_token)
  const borne = await refused(by.userinfo(undefined, tokens.access_token))
  const imitated = await refused(by.userinfo(anothers, tokens.access_token))
  const refreshed = await by.refresh(mine, tokens.refresh_token)
  const again = await by.userinfo(mine, refreshed.access_token)
  const other = await refused(by.refresh(anothers, tokens.refresh_token))
  const without = await refused(by.refresh(undefined, tokens.refresh_token))
  const algs = by.as.dpop_signing_alg_values_supported
  say({ jkt, tokens, refreshed, userinfo, again, stolen, borne, imitated, other, without, asked, algs })
} catch (error) {
  say({ error: error.error ?? error.code ?? String(error), asked })
}
process.exit(0)
