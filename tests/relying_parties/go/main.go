// A relying party on go-oidc and x/oauth2: prints where to send the browser, reads where it came
// back.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

type registered struct {
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RedirectURI  string `json:"redirect_uri"`
	Scope        string `json:"scope"`
	Method       string `json:"token_endpoint_auth_method"`
}

type known struct {
	Claims      map[string]any `json:"claims"`
	Userinfo    map[string]any `json:"userinfo"`
	AccessToken string         `json:"access_token"`
	Refreshed   *known         `json:"refreshed,omitempty"`
}

type party struct {
	provider *oidc.Provider
	config   oauth2.Config
}

// Where none is named, x/oauth2 tries one after the other.
var styles = map[string]oauth2.AuthStyle{
	"client_secret_basic": oauth2.AuthStyleInHeader,
	"client_secret_post":  oauth2.AuthStyleInParams,
	"none":                oauth2.AuthStyleInParams,
}

func main() {
	ctx := context.Background()
	var client registered
	if err := json.Unmarshal([]byte(os.Args[1]), &client); err != nil {
		panic(err)
	}
	answer, err := visit(ctx, client)
	if err != nil {
		answer = map[string]string{"error": code(err)}
	}
	say(answer)
}

func visit(ctx context.Context, client registered) (any, error) {
	provider, err := oidc.NewProvider(ctx, client.Issuer)
	if err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	if style, named := styles[client.Method]; named {
		endpoint.AuthStyle = style
	}
	rp := party{
		provider: provider,
		config: oauth2.Config{
			ClientID:     client.ClientID,
			ClientSecret: client.ClientSecret,
			RedirectURL:  client.RedirectURI,
			Endpoint:     endpoint,
			Scopes:       strings.Fields(client.Scope),
		},
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	say(rp.config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	arrived, err := hear()
	if err != nil {
		return nil, err
	}
	if arrived.Get("state") != state {
		return nil, errors.New("another state")
	}
	if refused := arrived.Get("error"); refused != "" {
		return nil, &oauth2.RetrieveError{ErrorCode: refused}
	}
	token, err := rp.config.Exchange(ctx, arrived.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, err
	}
	first, err := rp.learn(ctx, token)
	if err == nil && first.Claims["nonce"] != nonce {
		err = errors.New("another nonce")
	}
	if err != nil || token.RefreshToken == "" {
		return first, err
	}
	old := &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Now().Add(-time.Hour)}
	anew, err := rp.config.TokenSource(ctx, old).Token()
	if err != nil {
		return nil, err
	}
	first.Refreshed, err = rp.learn(ctx, anew)
	return first, err
}

// learn says whom the ID token is about, and what userinfo says of them.
func (rp *party) learn(ctx context.Context, token *oauth2.Token) (*known, error) {
	raw, _ := token.Extra("id_token").(string)
	verified, err := rp.provider.Verifier(&oidc.Config{ClientID: rp.config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
		return nil, err
	}
	asked, err := rp.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	learnt := &known{AccessToken: token.AccessToken}
	return learnt, errors.Join(verified.Claims(&learnt.Claims), asked.Claims(&learnt.Userinfo))
}

func hear() (url.Values, error) {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return nil, err
	}
	arrived, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		return nil, err
	}
	return arrived.Query(), nil
}

func say(value any) {
	if err := json.NewEncoder(os.Stdout).Encode(value); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func code(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return refused.ErrorCode
	}
	return err.Error()
}
