import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.auth.*;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.*;
import com.nimbusds.oauth2.sdk.pkce.*;
import com.nimbusds.oauth2.sdk.token.*;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import com.nimbusds.openid.connect.sdk.*;
import com.nimbusds.openid.connect.sdk.claims.*;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.io.*;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import net.minidev.json.JSONObject;

/**
 * A relying party on Nimbus' SDK: prints where to send the browser, reads where it came back.
 */
public final class RelyingParty {

    /** The answer was an error. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(ErrorObject error) {
            super(error.getCode());
        }
    }

    private final OIDCProviderMetadata issuer;
    private final ClientID clientId;
    private final Secret secret;
    private final URI redirectUri;
    private final String scope;
    private final String method;
    private final IDTokenValidator validator;

    private RelyingParty(JSONObject registered) throws Exception {
        issuer = OIDCProviderMetadata.resolve(new Issuer((String) registered.get("issuer")));
        clientId = new ClientID((String) registered.get("client_id"));
        secret = new Secret((String) registered.getOrDefault("client_secret", ""));
        redirectUri = new URI((String) registered.get("redirect_uri"));
        scope = (String) registered.get("scope");
        method = (String) registered.get("token_endpoint_auth_method");
        validator = new IDTokenValidator(
            issuer.getIssuer(), clientId,
            JWSAlgorithm.parse((String) registered.get("id_token_signed_response_alg")),
            issuer.getJWKSetURI().toURL());
    }

    public static void main(String[] arguments) throws Exception {
        try {
            say(new RelyingParty(JSONObjectUtils.parse(arguments[0])).visit());
        } catch (Refused refused) {
            say(new JSONObject(Map.of("error", refused.getMessage())));
        } catch (Exception failed) {
            say(new JSONObject(Map.of("error", failed.toString())));
        }
    }

    private JSONObject visit() throws Exception {
        State state = new State();
        Nonce nonce = new Nonce();
        CodeVerifier verifier = new CodeVerifier();
        say(new AuthenticationRequest.Builder(
                ResponseType.CODE, Scope.parse(scope), clientId, redirectUri)
            .endpointURI(issuer.getAuthorizationEndpointURI())
            .codeChallenge(verifier, CodeChallengeMethod.S256)
            .state(state)
            .nonce(nonce)
            .build().toURI().toString());
        AuthenticationResponse arrived = AuthenticationResponseParser.parse(hear());
        if (!arrived.indicatesSuccess()) {
            throw new Refused(arrived.toErrorResponse().getErrorObject());
        }
        if (!state.equals(arrived.getState()) || !issuer.getIssuer().equals(arrived.getIssuer())) {
            throw new IllegalStateException("of another flow, or of another issuer");
        }
        AuthorizationCode code = arrived.toSuccessResponse().getAuthorizationCode();
        OIDCTokens tokens = ask(new AuthorizationCodeGrant(code, redirectUri, verifier));
        JSONObject known = learn(tokens, nonce);
        RefreshToken refreshToken = tokens.getRefreshToken();
        if (refreshToken != null) {
            OIDCTokens anew = ask(new RefreshTokenGrant(refreshToken));
            // OpenID Connect Core section 12.2: it need not say the nonce again.
            known.put("refreshed", learn(anew, null));
        }
        return known;
    }

    private OIDCTokens ask(AuthorizationGrant grant) throws Exception {
        URI endpoint = issuer.getTokenEndpointURI();
        TokenRequest.Builder request = switch (method) {
            case "client_secret_basic" ->
                new TokenRequest.Builder(endpoint, new ClientSecretBasic(clientId, secret), grant);
            case "client_secret_post" ->
                new TokenRequest.Builder(endpoint, new ClientSecretPost(clientId, secret), grant);
            default -> new TokenRequest.Builder(endpoint, clientId, grant);
        };
        HTTPResponse answer = request.build().toHTTPRequest().send();
        TokenResponse response = OIDCTokenResponseParser.parse(answer);
        if (!response.indicatesSuccess()) {
            throw new Refused(response.toErrorResponse().getErrorObject());
        }
        return ((OIDCTokenResponse) response).getOIDCTokens();
    }

    private JSONObject learn(OIDCTokens tokens, Nonce nonce) throws Exception {
        IDTokenClaimsSet claims = validator.validate(tokens.getIDToken(), nonce);
        BearerAccessToken token = tokens.getBearerAccessToken();
        UserInfoResponse asked = UserInfoResponse.parse(
            new UserInfoRequest(issuer.getUserInfoEndpointURI(), token).toHTTPRequest().send());
        if (!asked.indicatesSuccess()) {
            throw new Refused(asked.toErrorResponse().getErrorObject());
        }
        UserInfo userinfo = asked.toSuccessResponse().getUserInfo();
        if (!userinfo.getSubject().equals(claims.getSubject())) {
            throw new IllegalStateException("about somebody else");
        }
        JSONObject known = new JSONObject();
        known.put("claims", claims.toJSONObject());
        known.put("userinfo", userinfo.toJSONObject());
        known.put("access_token", token.getValue());
        return known;
    }

    private static URI hear() throws Exception {
        Reader reader = new InputStreamReader(System.in, StandardCharsets.UTF_8);
        return new URI(new BufferedReader(reader).readLine());
    }

    private static void say(String line) {
        say((Object) line);
    }

    private static void say(Object value) {
        System.out.println(net.minidev.json.JSONValue.toJSONString(value));
    }
}
