// openid-client or oauth4webapi, as a client that takes tokens back and as the API that asks of them.
import * as client from 'openid-client'
import * as oauth from 'oauth4webapi'

const [library, given] = [process.argv[2], JSON.parse(process.argv[3])]
const { issuer, tokens } = given
const url = new URL(issuer)
const plain = { [oauth.allowInsecureRequests]: true }

const byOpenidClient = async () => {
  const known = ({ client_id, client_secret, ...metadata }) => client.discovery(
    url, client_id, metadata, client.ClientSecretBasic(client_secret),
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
  )
  const [web, api] = [await known(given.web), await known(given.api)]
  return {
    introspect: (token) => client.tokenIntrospection(api, token),
    revoke: (token, hint) => client.tokenRevocation(web, token, hint && { token_type_hint: hint }),
    refresh: (token) => client.refreshTokenGrant(web, token),
  }
}

const byOauth4webapi = async () => {
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, plain))
  const by = ({ client_secret, ...of }) => [as, of, oauth.ClientSecretBasic(client_secret)]
  const [web, api] = [by(given.web), by(given.api)]
  return {
    introspect: async (token) => {
      const answer = await oauth.introspectionRequest(...api, token, plain)
      const copy = answer.clone()
      const said = await oauth.processIntrospectionResponse(as, api[1], answer)
      if (copy.headers.get('content-type') !== 'application/json') {
        await oauth.validateApplicationLevelSignature(as, answer, plain)
      }
      return said
    },
    revoke: async (token, hint) => {
      const additionalParameters = hint ? { token_type_hint: hint } : {}
      await oauth.processRevocationResponse(
        await oauth.revocationRequest(...web, token, { ...plain, additionalParameters }),
      )
    },
    refresh: async (token) => oauth.processRefreshTokenResponse(
      as, web[1], await oauth.refreshTokenGrantRequest(...web, token, plain),
    ),
  }
}

const { introspect, revoke, refresh } =
  await { 'openid-client': byOpenidClient, oauth4webapi: byOauth4webapi }[library]()
const refused = (call) => call.then(() => null, (error) => error.error)

const before = await introspect(tokens.access_token)
await revoke(tokens.access_token)
const alone = await introspect(tokens.access_token)
const next = await refresh(tokens.refresh_token)
const refreshed = await introspect(next.access_token)
await revoke(tokens.refresh_token, 'refresh_token')
const whole = await introspect(next.access_token)
const after = await refused(refresh(tokens.refresh_token))
await revoke('made up')
const others = await refused(revoke(given.anothers))
console.log(JSON.stringify({ before, alone, refreshed, whole, after, others }))
