// oauth4webapi or openid-client, with a key that its access token is bound to, before an API that
// may ask for nonces. It is given the private JWK, the token and where the API is.
import * as client from 'openid-client'
import * as oauth from 'oauth4webapi'

const [library, given] = [process.argv[2], JSON.parse(process.argv[3])]
const { jwk, token, api } = given
const ec = { name: 'ECDSA', namedCurve: 'P-256' }
const rsa = (name) => ({ name, hash: 'SHA-256' })
const algorithm = {
  ES256: ec, RS256: rsa('RSASSA-PKCS1-v1_5'), PS256: rsa('RSA-PSS'), EdDSA: 'Ed25519',
}[jwk.alg]
const { d, p, q, dp, dq, qi, alg, kid, ...publicJwk } = jwk
const { alg: _, ...privateJwk } = jwk
const keyPair = {
  privateKey: await crypto.subtle.importKey('jwk', privateJwk, algorithm, false, ['sign']),
  publicKey: await crypto.subtle.importKey('jwk', publicJwk, algorithm, true, ['verify']),
}

const byOauth4webapi = async () => {
  const handle = oauth.DPoP({ client_id: 'web' }, keyPair)
  const options = { DPoP: handle, [oauth.allowInsecureRequests]: true }
  return async (method, url, body) => {
    const ask = () => oauth.protectedResourceRequest(token, method, url, undefined, body, options)
    try {
      return await ask()
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error
      return ask()
    }
  }
}

const byOpenidClient = async () => {
  const config = new client.Configuration({ issuer: 'http://127.0.0.1' }, 'web')
  client.allowInsecureRequests(config)
  const DPoP = client.getDPoPHandle(config, keyPair)
  // It sends a request again by itself.
  return (method, url, body) =>
    client.fetchProtectedResource(config, token, url, method, body, undefined, { DPoP })
}

const ask = await { oauth4webapi: byOauth4webapi, 'openid-client': byOpenidClient }[library]()
const answers = []
for (const [method, path, body] of [
  ['GET', '/invoices?page=2#top'], ['POST', '/a%2Fb/../c d/é?q=é', 'hello'], ['DELETE', '/'],
]) {
  try {
    const response = await ask(method, new URL(path, api), body)
    answers.push({ status: response.status, said: await response.json() })
  } catch (error) {
    const cause = error.cause?.[0]?.parameters ?? error.message
    answers.push({ status: error.status ?? 0, said: cause })
  }
}
console.log(JSON.stringify(answers))
